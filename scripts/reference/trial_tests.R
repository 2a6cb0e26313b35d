# Reference values of the trial room's small tests: paired and Welch t, p.adjust, Dunnett, ICC,
# power. Run:  Rscript scripts/reference/trial_tests.R  (writes tests/reference_values/trial_tests.json)
# Data are simulated here and stored beside the values. psych::ICC is asked for its ANOVA form
# (lmer = FALSE), which is the textbook one for complete tables.
suppressPackageStartupMessages({library(jsonlite); library(psych); library(mvtnorm)})
set.seed(20261124)

baseline <- rnorm(23, 1, 5)
follow_up <- baseline + rnorm(23, -1.4, 3)
control <- rnorm(19, 0, 4)
paired <- t.test(follow_up, baseline, paired = TRUE)
welch <- t.test(follow_up - baseline, control)
difference <- follow_up - baseline

p <- c(0.0004, 0.031, 0.02, 0.2, 0.9, 0.031, 0.049, 0.0105)

# Inclusion-exclusion over the semi-infinite corners that TVPACK integrates to 1e-14.
inside_two <- function(t, rho, df) {
  corner <- function(a, b) as.numeric(pmvt(upper = c(a, b), corr = matrix(c(1, rho, rho, 1), 2),
                                           df = df, algorithm = TVPACK(abseps = 1e-14)))
  corner(t, t) - 2 * corner(-t, t) + corner(-t, -t)
}
dunnett_two <- expand.grid(t = c(0.4, 1.7, 2.3, 3.4), rho = c(0.5, 0.31), df = c(12, 180))
dunnett_two$p <- 1 - mapply(inside_two, dunnett_two$t, dunnett_two$rho, dunnett_two$df)
three <- matrix(0.5, 3, 3); diag(three) <- 1
t3 <- c(1.1, 2.2, 2.9)
p3 <- sapply(t3, function(t) 1 - as.numeric(pmvt(
  lower = rep(-t, 3), upper = rep(t, 3), corr = three, df = 40,
  algorithm = GenzBretz(maxpts = 2e7, abseps = 1e-8, releps = 0))))

person <- rnorm(14, 0, 3)
scans <- sapply(1:3, function(k) person + rnorm(14, 0.4 * k, 2))
icc <- ICC(scans, lmer = FALSE)$results

power <- power.t.test(n = 70, delta = 1.4, sd = 3.3, sig.level = 0.05, strict = TRUE)
size <- power.t.test(power = 0.8, delta = 1.4, sd = 3.3, sig.level = 0.05, strict = TRUE,
                     tol = 1e-10)

write_json(list(
  made_by = "scripts/reference/trial_tests.R",
  versions = list(R = R.version.string, psych = as.character(packageVersion("psych")),
                  mvtnorm = as.character(packageVersion("mvtnorm"))),
  paired = list(baseline = baseline, follow_up = follow_up, mean = mean(difference),
                sd = sd(difference), se = paired$stderr, statistic = unname(paired$statistic),
                df = unname(paired$parameter), p_value = paired$p.value,
                low = paired$conf.int[1], high = paired$conf.int[2],
                d_z = mean(difference) / sd(difference),
                d_av = mean(difference) / mean(c(sd(baseline), sd(follow_up)))),
  welch = list(control = control, estimate = unname(welch$estimate[1] - welch$estimate[2]),
               se = welch$stderr, statistic = unname(welch$statistic),
               df = unname(welch$parameter), p_value = welch$p.value,
               low = welch$conf.int[1], high = welch$conf.int[2]),
  p_adjust = list(p = p, BH = p.adjust(p, "BH"), holm = p.adjust(p, "holm")),
  dunnett_two = dunnett_two, dunnett_three = list(t = t3, rho = 0.5, df = 40, p = p3),
  icc = list(scans = scans,
             agreement = icc["Single_random_raters", c("ICC", "lower bound", "upper bound")],
             consistency = icc["Single_fixed_raters", c("ICC", "lower bound", "upper bound")],
             ms_error = anova(lm(y ~ a + b, data.frame(
               y = as.vector(scans), a = factor(rep(1:14, 3)),
               b = factor(rep(1:3, each = 14)))))["Residuals", "Mean Sq"]),
  power = list(n = 70, delta = 1.4, sd = 3.3, power = power$power, size_for_80 = size$n)
), "tests/reference_values/trial_tests.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
