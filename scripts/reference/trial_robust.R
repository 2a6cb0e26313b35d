# Reference values of Huber's M-estimate, from MASS.
#   Rscript scripts/reference/trial_robust.R tests/reference_values/trial
suppressMessages({library(MASS); library(jsonlite)})
folder <- commandArgs(trailingOnly = TRUE)[1]
one <- function(name) {
  d <- subset(read.delim(file.path(folder, paste0(name, ".tsv"))), visit_index == 1)
  d$arm <- factor(d$arm, levels = c("CON", "MIT", "HRT"))
  # Two people far from the others: something to weigh down.
  d$change[1:2] <- d$change[1:2] + c(25, -30)
  m <- rlm(change ~ arm + baseline_gap + baseline_age + sex + stratum, d, maxit = 500, acc = 1e-12)
  s <- summary(m)$coefficients[c("armMIT", "armHRT"), ]
  data.frame(contrast = c("MIT", "HRT"), estimate = unname(s[, 1]), se = unname(s[, 2]),
             df = length(m$residuals) - length(coef(m)), below = sum(m$w < 1))
}
sets <- c("complete", "missing", "small")
write_json(setNames(lapply(sets, one), sets), file.path(folder, "robust.json"), digits = NA,
           auto_unbox = TRUE, pretty = TRUE)
