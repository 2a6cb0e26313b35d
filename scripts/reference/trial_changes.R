# Reference values of change from baseline on the four simulated trials: paired t tests within each
# arm and visit with Benjamini-Hochberg, Welch tests between arms with Holm, and ANCOVA with HC3
# errors at every visit.
#   Rscript scripts/reference/trial_changes.R tests/reference_values/trial
# Reads the *.tsv made by make_trial_data.py, writes changes.json beside them.
suppressPackageStartupMessages({library(jsonlite); library(sandwich)})
folder <- commandArgs(trailingOnly = TRUE)[1]
arms <- c("CON", "MIT", "HRT")

read <- function(name) {
  d <- read.delim(file.path(folder, paste0(name, ".tsv")))
  d$arm <- factor(d$arm, levels = arms)
  droplevels(subset(d, visit_index > 0))
}

paired <- function(d) {
  rows <- do.call(rbind, lapply(arms, function(a) do.call(rbind, lapply(unique(sort(d$visit)), function(v) {
    m <- d[d$arm == a & d$visit == v, ]
    r <- t.test(m$gap, m$baseline_gap, paired = TRUE)
    change <- m$gap - m$baseline_gap
    data.frame(arm = a, visit = v, n = nrow(m), mean = mean(change), sd = sd(change),
               se = r$stderr, t = unname(r$statistic), df = unname(r$parameter), p = r$p.value,
               ci_low = r$conf.int[1], ci_high = r$conf.int[2], d_z = mean(change) / sd(change),
               d_av = mean(change) / mean(c(sd(m$baseline_gap), sd(m$gap))))
  }))))
  rows$p_adjusted <- p.adjust(rows$p, "BH")
  rows
}

welch <- function(d) {
  rows <- do.call(rbind, lapply(arms[-1], function(a) do.call(rbind, lapply(unique(sort(d$visit)), function(v) {
    m <- d[d$visit == v, ]
    r <- t.test(m$change[m$arm == a], m$change[m$arm == "CON"])
    data.frame(arm = a, visit = v, estimate = unname(r$estimate[1] - r$estimate[2]),
               se = r$stderr, t = unname(r$statistic), df = unname(r$parameter), p = r$p.value,
               ci_low = r$conf.int[1], ci_high = r$conf.int[2])
  }))))
  rows$p_adjusted <- p.adjust(rows$p, "holm")
  rows
}

ancova <- function(d) do.call(rbind, lapply(unique(sort(d$visit)), function(v) {
  m <- lm(change ~ arm + baseline_gap + baseline_age + sex + stratum, d[d$visit == v, ])
  k <- c("armMIT", "armHRT")
  se <- sqrt(diag(vcovHC(m, type = "HC3")))[k]
  data.frame(arm = arms[-1], visit = v, estimate = unname(coef(m)[k]), se = unname(se),
             df = m$df.residual, p = unname(2 * pt(-abs(coef(m)[k] / se), m$df.residual)))
}))

sets <- c("complete", "missing", "three", "small")
result <- lapply(setNames(sets, sets), function(name) {
  d <- read(name)
  list(paired = paired(d), welch = welch(d), ancova = ancova(d))
})
write_json(c(list(versions = list(R = R.version.string,
                                  sandwich = as.character(packageVersion("sandwich")))), result),
           file.path(folder, "changes.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE)
