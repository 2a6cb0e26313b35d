# Reference values of dose, association and noise: two-stage least squares by hand with HC1 errors
# and its Anderson-Rubin region by inverting the test, cor.test, partial and repeated-measures
# correlation by hand, arm x outcome with HC3, variance components by lme4 where visits are missing,
# Newcombe's interval, power with unequal arms.
# Run:  Rscript scripts/reference/trial_questions.R  (writes tests/reference_values/trial_questions.json)
suppressPackageStartupMessages({library(jsonlite); library(sandwich); library(lme4)})
set.seed(20261126)

# ---- two-stage least squares ------------------------------------------------------------------
draw_people <- function(n, strength) {
  arm <- rep(c(0, 1), length.out = n)
  age <- runif(n, 62, 70); sex <- sample(c("F", "M"), n, TRUE); ease <- rnorm(n)
  sessions <- round(arm * pmax(0, strength * (60 + 25 * ease)))
  data.frame(arm = arm, age = age, sex = sex, sessions = sessions,
             change = -0.02 * sessions + 0.6 * ease - 0.1 * (age - 66) + rnorm(n, 0, 2 + arm))
}
hc1 <- function(m) vcovHC(m, type = "HC1")
anderson_rubin <- function(d, b) {
  m <- lm(I(change - b * sessions) ~ arm + age + sex, d)
  t <- coef(m)["arm"] / sqrt(hc1(m)["arm", "arm"])
  2 * pt(-abs(unname(t)), m$df.residual)
}
two_stage <- function(d) {
  first <- lm(sessions ~ arm + age + sex, d)
  reduced <- lm(change ~ arm + age + sex, d)
  X <- cbind(d$sessions, model.matrix(~ age + sex, d))
  Xh <- cbind(fitted(first), model.matrix(~ age + sex, d))
  b <- solve(t(Xh) %*% X, t(Xh) %*% d$change)
  e <- as.vector(d$change - X %*% b)
  bread <- solve(t(Xh) %*% Xh)
  n <- nrow(d); p <- ncol(X)
  v <- bread %*% (t(Xh * e) %*% (Xh * e)) %*% bread * n / (n - p)
  se <- sqrt(v[1, 1])
  list(data = d, estimate = b[1], se = se, df = n - p, low = b[1] - qt(.975, n - p) * se,
       high = b[1] + qt(.975, n - p) * se,
       first = unname(coef(first)["arm"]),
       first_f = unname(coef(first)["arm"]^2 / hc1(first)["arm", "arm"]),
       itt = unname(coef(reduced)["arm"]), itt_se = sqrt(hc1(reduced)["arm", "arm"]))
}
strong <- two_stage(draw_people(140, 1))
at <- function(b) anderson_rubin(strong$data, b) - 0.05
strong$ar_low <- uniroot(at, c(strong$estimate - 1, strong$estimate), tol = 1e-13)$root
strong$ar_high <- uniroot(at, c(strong$estimate, strong$estimate + 1), tol = 1e-13)$root
strong$ar_p <- anderson_rubin(strong$data, 0)
weak_data <- draw_people(40, 1)
weak_data$sessions <- round(pmax(0, 8 + 0.6 * weak_data$arm + rnorm(40, 0, 4)))
weak <- two_stage(weak_data)
grid <- c(-1000, -100, -10, -1, 0, 1, 10, 100, 1000)
weak$grid <- grid
weak$kept <- sapply(grid, function(b) anderson_rubin(weak_data, b) > 0.05)

within <- strong$data[strong$data$arm == 1, ]
m <- lm(change ~ sessions + age + sex, within)
dose <- list(slope = unname(coef(m)["sessions"]),
             se = sqrt(vcovHC(m, type = "HC3")["sessions", "sessions"]), df = m$df.residual)

# ---- change with change -----------------------------------------------------------------------
n <- 90
pairs <- data.frame(arm = rep(c("CON", "MIT", "HRT"), length.out = n), base = rnorm(n, 0, 4),
                    strength0 = rnorm(n, 50, 8))
pairs$strength <- 2 + (pairs$arm == "HRT") * 3 - 0.1 * (pairs$strength0 - 50) + rnorm(n, 0, 3)
pairs$change <- -0.2 * pairs$strength * (pairs$arm != "CON") - 0.3 * pairs$base + rnorm(n, 0, 2.5)
p <- cor.test(pairs$strength, pairs$change)
s <- cor.test(pairs$strength, pairs$change, method = "spearman", exact = FALSE)
rho <- unname(s$estimate)
half <- qnorm(.975) * sqrt((1 + rho^2 / 2) / (n - 3))
given <- model.matrix(~ arm + base + strength0, pairs)
rx <- resid(lm(pairs$strength ~ given)); ry <- resid(lm(pairs$change ~ given))
r <- cor(rx, ry); k <- ncol(given) - 1
pt_ <- r * sqrt((n - k - 2) / (1 - r^2))
pairs$arm <- factor(pairs$arm, levels = c("CON", "MIT", "HRT"))
mx <- lm(change ~ 0 + arm + arm:strength + base + strength0, pairs)
V <- vcovHC(mx, type = "HC3"); nm <- paste0("arm", c("CON", "MIT", "HRT"), ":strength")
L <- matrix(0, 2, length(coef(mx)), dimnames = list(NULL, names(coef(mx))))
L[1, nm[2]] <- 1; L[1, nm[1]] <- -1; L[2, nm[3]] <- 1; L[2, nm[1]] <- -1
est <- L %*% coef(mx)
F <- as.numeric(t(est) %*% solve(L %*% V %*% t(L)) %*% est) / 2
people <- rep(1:20, each = 3); people <- people[-c(2, 9, 30)]
x <- rnorm(length(people)) + people; y <- 0.5 * x + rnorm(length(people)) - people
rm <- lm(y ~ factor(people) + x); a <- drop1(rm, ~., test = "F")
rr <- sign(coef(rm)["x"]) * sqrt(a["x", "Sum of Sq"] / (a["x", "Sum of Sq"] + sum(resid(rm)^2)))
rdf <- rm$df.residual
rz <- atanh(unname(rr)) + c(-1, 1) * qnorm(.975) / sqrt(rdf - 1)

# ---- reliability with missing visits ----------------------------------------------------------
id <- rep(1:30, 3); session <- rep(1:3, each = 30)
value <- rnorm(30, 0, 4)[id] + 0.5 * session + rnorm(90, 0, 2.5)
seen <- !(seq_along(id) %in% c(35, 40, 61, 62, 70, 88))
long <- data.frame(id = id, session = session, value = value)[seen, ]
vc <- lmer(value ~ factor(session) + (1 | id), long, REML = TRUE,
           control = lmerControl(optCtrl = list(xtol_abs = 1e-14, ftol_abs = 1e-14)))
comp <- as.data.frame(VarCorr(vc))$vcov
means <- c(fixef(vc)[1], fixef(vc)[1] + fixef(vc)[-1])
V <- as.matrix(vcov(vc)); C <- cbind(1, rbind(0, diag(2)))
vm <- C %*% V %*% t(C)
session_variance <- max(0, var(means) - (sum(diag(vm)) - sum(vm) / 3) / 2)

# ---- two proportions and power ----------------------------------------------------------------
wilson <- function(x, n) as.numeric(prop.test(x, n, correct = FALSE)$conf.int)
w1 <- wilson(9, 70); w2 <- wilson(3, 65); p1 <- 9 / 70; p2 <- 3 / 65
newcombe <- c(p1 - p2 - sqrt((p1 - w1[1])^2 + (w2[2] - p2)^2),
              p1 - p2 + sqrt((w1[2] - p1)^2 + (p2 - w2[1])^2))
unequal <- function(n1, n2, delta, sd) {
  ncp <- delta / (sd * sqrt(1 / n1 + 1 / n2)); df <- n1 + n2 - 2; q <- qt(.975, df)
  pt(q, df, ncp, lower.tail = FALSE) + pt(-q, df, ncp)
}

write_json(list(
  made_by = "scripts/reference/trial_questions.R",
  versions = list(R = R.version.string, sandwich = as.character(packageVersion("sandwich")),
                  lme4 = as.character(packageVersion("lme4"))),
  two_stage = strong, weak = weak, dose = dose,
  association = list(
    data = pairs, pearson = list(r = unname(p$estimate), low = p$conf.int[1], high = p$conf.int[2],
                                 t = unname(p$statistic), p = p$p.value),
    spearman = list(r = rho, p = s$p.value, low = tanh(atanh(rho) - half),
                    high = tanh(atanh(rho) + half)),
    partial = list(r = r, p = 2 * pt(-abs(pt_), n - k - 2),
                   low = tanh(atanh(r) - qnorm(.975) / sqrt(n - k - 3)),
                   high = tanh(atanh(r) + qnorm(.975) / sqrt(n - k - 3))),
    slopes = list(F = F, df = mx$df.residual, p = pf(F, 2, mx$df.residual, lower.tail = FALSE),
                  slope = unname(coef(mx)[nm]), se = unname(sqrt(diag(V0 <- vcovHC(mx, type = "HC3"))[nm])),
                  difference = as.vector(est))),
  rmcorr = list(person = people, x = x, y = y, r = unname(rr), p = a["x", "Pr(>F)"], df = rdf,
                low = tanh(rz[1]), high = tanh(rz[2])),
  components = list(data = long, person = comp[1], error = comp[2], session = session_variance),
  newcombe = list(low = newcombe[1], high = newcombe[2]),
  power_unequal = list(n1 = 80, n2 = 40, delta = 1.4, sd = 3.3, power = unequal(80, 40, 1.4, 3.3))
), "tests/reference_values/trial_questions.json", digits = 16, auto_unbox = TRUE, dataframe = "columns")
