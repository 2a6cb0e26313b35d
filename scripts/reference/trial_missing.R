# Reference values of reference-based imputation (conditional means, by hand after rbmi's published
# approach) and of weighted completers, from nlme and glm.
#   Rscript scripts/reference/trial_missing.R tests/reference_values/trial
suppressMessages({library(nlme); library(jsonlite)})
folder <- commandArgs(trailingOnly = TRUE)[1]
arms <- c("CON", "MIT", "HRT")
tight <- glsControl(tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 500)
one <- function(name) {
  all <- read.delim(file.path(folder, paste0(name, ".tsv")))
  all$arm <- factor(all$arm, levels = arms)
  people <- subset(all, visit_index == 0)
  later <- droplevels(subset(transform(all, visit = factor(visit)), visit_index > 0))
  visits <- levels(later$visit); v <- length(visits)
  g <- gls(change ~ 0 + arm:visit + (baseline_gap + baseline_age + sex + stratum):visit, later,
           control = tight, correlation = corSymm(form = ~ visit_index | participant_id),
           weights = varIdent(form = ~ 1 | visit))
  r <- diag(v); r[lower.tri(r)] <- coef(g$modelStruct$corStruct, unconstrained = FALSE)
  r <- r + t(r) - diag(v)
  sd <- g$sigma * coef(g$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[visits]
  sigma <- r * outer(sd, sd)
  mean_of <- function(as) sapply(visits, function(t)
    predict(g, transform(people, arm = factor(as, levels = arms), visit = factor(t, levels = visits))))
  own <- mean_of(as.character(people$arm)); reference <- mean_of(rep("CON", nrow(people)))
  y <- sapply(visits, function(t) { d <- later[later$visit == t, ]; d$change[match(people$participant_id, d$participant_id)] })
  # After the last scan: whoever comes back only missed a visit.
  stopped <- t(apply(!is.na(y), 1, function(s) !rev(cumsum(rev(s)) > 0)))
  fill <- function(mean) {
    out <- y
    for (i in which(rowSums(is.na(y)) > 0)) {
      o <- !is.na(y[i, ]); m <- !o
      out[i, m] <- mean[i, m] + if (any(o)) drop(sigma[m, o, drop = FALSE] %*% solve(sigma[o, o, drop = FALSE], y[i, o] - mean[i, o])) else 0
    }
    out
  }
  last <- function(done) unname(coef(lm(done[, v] ~ arm + baseline_gap + baseline_age + sex + stratum, people))["armHRT"])
  jump <- ifelse(stopped, reference, own)
  copy <- own; copy[rowSums(stopped) > 0, ] <- reference[rowSums(stopped) > 0, ]
  complete <- rowSums(is.na(y)) == 0
  p <- fitted(glm(complete ~ arm + baseline_gap + baseline_age + sex + stratum, binomial, people,
                  control = glm.control(epsilon = 1e-14, maxit = 100)))
  w <- (1 / p)[complete]
  weighted <- lm(y[complete, v] ~ arm + baseline_gap + baseline_age + sex + stratum, people[complete, ], weights = w)
  list("missing at random" = last(fill(own)), "jump to reference" = last(fill(jump)),
       "copy reference" = last(fill(copy)), weighted = unname(coef(weighted)["armHRT"]),
       n_missing = sum(is.na(y[, v])))
}
write_json(setNames(lapply(c("missing", "three"), one), c("missing", "three")),
           file.path(folder, "missing_data.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE)
