# Reference values of noise, missing data and regions that no other program here makes: limits of
# agreement and their intervals, individual response, reliability of change, shares beyond the
# detectable change, Rubin's rules (Barnard and Rubin), partial correlation and region with HC3,
# who is missing (Welch, chi-square).
# Run:  Rscript scripts/reference/trial_noise.R  (writes tests/reference_values/trial_noise.json)
suppressPackageStartupMessages({library(jsonlite); library(sandwich)})
set.seed(20261127)
z <- qnorm(.975)

# ---- repeated scans -----------------------------------------------------------------------------
scans <- rnorm(24, 0, 4) + matrix(rnorm(48, 0, 2.5), 24) + rep(c(0, 0.6), each = 24)
difference <- scans[, 2] - scans[, 1]
n <- length(difference)
ms <- anova(lm(as.vector(scans) ~ factor(rep(1:24, 2)) + factor(rep(1:2, each = 24))))
sem <- sqrt(ms["Residuals", "Mean Sq"])
limits <- list(bias = mean(difference), low = mean(difference) - z * sd(difference),
               high = mean(difference) + z * sd(difference),
               half = qt(.975, n - 1) * sd(difference) * sqrt(3 / n),
               sem = sem, mdc = z * sqrt(2) * sem,
               sd_between = sqrt((ms[1, "Mean Sq"] - ms["Residuals", "Mean Sq"]) / 2))

# ---- individual change --------------------------------------------------------------------------
change <- rnorm(40, -1, 4); control <- rnorm(37, 0, 3)
root <- function(v) sign(v) * sqrt(abs(v))
d <- var(change) - var(control)
se <- sqrt(2 * (var(change)^2 / (length(change) - 1) + var(control)^2 / (length(control) - 1)))
response <- list(sd = root(d), low = root(d - z * se), high = root(d + z * se))
ratio <- 2 * 2.2^2 / var(change)
reliability <- list(sem = 2.2, sem_df = 23, r = 1 - ratio,
                    low = 1 - ratio / qf(.025, 23, length(change) - 1),
                    high = 1 - ratio / qf(.975, 23, length(change) - 1))

# ---- Rubin's rules with Barnard and Rubin's degrees of freedom ----------------------------------
estimates <- rnorm(12, -1.5, 0.4); variances <- runif(12, 0.2, 0.4); complete <- 171
m <- length(estimates); b <- var(estimates); t <- mean(variances) + (1 + 1 / m) * b
lambda <- (1 + 1 / m) * b / t
old <- (m - 1) / lambda^2
observed <- (complete + 1) / (complete + 3) * complete * (1 - lambda)
df <- old * observed / (old + observed)
rubin <- list(estimates = estimates, variances = variances, complete = complete,
              estimate = mean(estimates), se = sqrt(t), df = df, lost = lambda,
              low = mean(estimates) - qt(.975, df) * sqrt(t),
              high = mean(estimates) + qt(.975, df) * sqrt(t),
              p = 2 * pt(-abs(mean(estimates) / sqrt(t)), df))

# ---- partial correlation with HC3, a region with its own baseline -------------------------------
people <- data.frame(arm = rep(c("CON", "MIT", "HRT"), 20), age = runif(60, 62, 70),
                     baseline = rnorm(60, 0.3, 0.1), strength0 = rnorm(60, 50, 8))
noisy <- ifelse(people$arm == "HRT", 1.6, 1)
people$strength <- rnorm(60, 2, 3) * noisy
people$change <- -0.1 * people$strength + rnorm(60, 0, 3) * noisy
people$moved <- 0.03 * (people$arm == "HRT") - 0.4 * (people$baseline - 0.3) + rnorm(60, 0, 0.05) * noisy
people$arm <- factor(people$arm, levels = c("CON", "MIT", "HRT"))
line <- lm(change ~ strength + arm + strength0, people)
given <- model.matrix(~ arm + strength0, people)[, -1]
rx <- resid(lm(people$strength ~ given)); ry <- resid(lm(people$change ~ given))
r <- cor(rx, ry); k <- ncol(given); n <- nrow(people)
hc3 <- sqrt(vcovHC(line, type = "HC3")["strength", "strength"])
usual <- sqrt(vcov(line)["strength", "strength"])
# Fisher's z with the error of the slope in the place of the usual one.
half <- z / sqrt(n - k - 3) * hc3 / usual
partial <- list(r = r, t = unname(coef(line)["strength"] / hc3), df = n - k - 2,
                p = unname(2 * pt(-abs(coef(line)["strength"] / hc3), n - k - 2)),
                low = tanh(atanh(r) - half), high = tanh(atanh(r) + half))
region_line <- lm(moved ~ arm + age + baseline, people)
region_se <- sqrt(vcovHC(region_line, type = "HC3")["armHRT", "armHRT"])
est <- unname(coef(region_line)["armHRT"]); rdf <- region_line$df.residual
region <- list(estimate = est, se = region_se, df = rdf, t = est / region_se,
               p = 2 * pt(-abs(est / region_se), rdf),
               low = est - qt(.975, rdf) * region_se, high = est + qt(.975, rdf) * region_se)

# ---- who is missing -----------------------------------------------------------------------------
gone <- rnorm(9, 1, 4); seen <- rnorm(51, 0, 3)
w <- t.test(gone, seen)
counts <- matrix(c(5, 2, 2, 15, 18, 18), 3)
chi <- suppressWarnings(chisq.test(counts, correct = FALSE))
missing <- list(gone = gone, seen = seen, difference = unname(diff(rev(w$estimate))),
                low = w$conf.int[1], high = w$conf.int[2], p = w$p.value,
                counts = counts, chi_p = chi$p.value)

write_json(list(made_by = "scripts/reference/trial_noise.R",
                versions = list(R = R.version.string,
                                sandwich = as.character(packageVersion("sandwich"))),
                scans = scans, limits = limits, change = change, control = control,
                response = response, reliability = reliability, rubin = rubin, people = people,
                partial = partial, region = region, missing = missing),
           "tests/reference_values/trial_noise.json", digits = NA, auto_unbox = TRUE)
