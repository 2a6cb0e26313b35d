# Reference values of the trial's models, from nlme, lmerTest, pbkrtest, sandwich,
# clubSandwich and emmeans.
#   Rscript scripts/reference/trial_models.R tests/reference_values/trial
# Reads the *.tsv made by make_trial_data.py, writes reference.json beside them.
suppressMessages({
  library(nlme); library(lme4); library(lmerTest); library(pbkrtest); library(emmeans)
  library(sandwich); library(clubSandwich); library(jsonlite)
})
folder <- commandArgs(trailingOnly = TRUE)[1]
arms <- c("CON", "MIT", "HRT")
tight <- glsControl(tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 500)
loose <- lmerControl(check.nobs.vs.nRE = "ignore", optimizer = "bobyqa",
                     optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
strict <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))

read <- function(name) {
  d <- read.delim(file.path(folder, paste0(name, ".tsv")))
  d$arm <- factor(d$arm, levels = arms)
  d$visit <- factor(d$visit)
  d$participant_id <- factor(d$participant_id)
  d
}

# Contrasts with control at each visit, as weights of treatment-coded coefficients.
weights_of <- function(names, visits) {
  out <- list()
  for (a in arms[-1]) for (t in visits) {
    w <- setNames(numeric(length(names)), names)
    w[paste0("arm", a)] <- 1
    cross <- paste0("arm", a, ":visit", t)
    if (cross %in% names) w[cross] <- 1
    out[[paste(a, t)]] <- w
  }
  average <- lapply(arms[-1], function(a) Reduce(`+`, out[paste(a, visits)]) / length(visits))
  names(average) <- paste(arms[-1], "average")
  c(out, average)
}

by_weights <- function(weights, f) do.call(rbind, lapply(names(weights), function(key) {
  cbind(data.frame(contrast = key), f(weights[[key]]))
}))

fit_one <- function(name) {
  d <- subset(read(name), visit_index > 0)
  d$visit <- droplevels(d$visit)
  visits <- levels(d$visit)
  form <- change ~ arm * visit + baseline_gap * visit + baseline_age * visit + sex + stratum
  unstructured <- gls(form, d, correlation = corSymm(form = ~ visit_index | participant_id),
                      weights = varIdent(form = ~ 1 | visit), control = tight)
  w <- weights_of(names(coef(unstructured)), visits)
  gls_rows <- by_weights(w, function(k) data.frame(
    estimate = sum(k * coef(unstructured)), se = sqrt(drop(t(k) %*% vcov(unstructured) %*% k))))
  # emmeans takes the variance weights of varIdent for case weights; observed margins are
  # frequencies, so the grid is given those of the same model without varIdent.
  grid <- ref_grid(unstructured, mode = "df.error", data = d)
  grid@grid$.wgt. <- ref_grid(gls(form, d), mode = "df.error", data = d)@grid$.wgt.
  means <- as.data.frame(emmeans(grid, ~ arm * visit, weights = "proportional"))
  un <- lmer(update(form, . ~ . + (0 + visit | participant_id)), d, control = loose)
  cs <- lmer(update(form, . ~ . + (1 | participant_id)), d, control = strict)
  satterthwaite <- function(m) by_weights(w, function(k) {
    r <- contest1D(m, k); data.frame(estimate = r$Estimate, se = r$`Std. Error`, df = r$df)
  })
  kenward_roger <- by_weights(w, function(k) {
    r <- contest1D(cs, k, ddf = "Kenward-Roger")
    data.frame(estimate = r$Estimate, se = r$`Std. Error`, df = r$df)
  })
  list(log_likelihood = as.numeric(logLik(unstructured)), gls = gls_rows,
       gls_means = means[, c("arm", "visit", "emmean", "SE")],
       satterthwaite_unstructured = satterthwaite(un), satterthwaite_exchangeable = satterthwaite(cs),
       kenward_roger_exchangeable = kenward_roger)
}

# An unstructured covariance of its own for each arm: one block of random effects an arm.
per_arm <- function(name) {
  d <- subset(read(name), visit_index > 0)
  d$visit <- droplevels(d$visit)
  visits <- levels(d$visit)
  blocks <- sapply(arms, function(a) {
    own <- paste0(a, "_", visits)
    for (k in seq_along(visits)) d[[own[k]]] <<- as.numeric(d$arm == a & d$visit == visits[k])
    paste0("(0 + ", paste(own, collapse = " + "), " | participant_id)")
  })
  form <- as.formula(paste("change ~ arm * visit + baseline_gap * visit + baseline_age * visit +",
                           "sex + stratum +", paste(blocks, collapse = " + ")))
  m <- lmer(form, d, control = loose)
  w <- weights_of(names(fixef(m)), visits)
  list(log_likelihood = as.numeric(logLik(m)), satterthwaite = by_weights(w, function(k) {
    r <- contest1D(m, k); data.frame(estimate = r$Estimate, se = r$`Std. Error`, df = r$df)
  }))
}

structures <- function(name) {
  d <- subset(read(name), visit_index > 0)
  form <- change ~ arm * visit + baseline_gap + sex
  per <- varIdent(form = ~ 1 | visit)
  one <- ~ visit_index | participant_id
  fits <- list(
    "heterogeneous AR(1)" = gls(form, d, correlation = corAR1(form = one), weights = per, control = tight),
    "heterogeneous compound symmetry" = gls(form, d, correlation = corCompSymm(form = one), weights = per, control = tight),
    "AR(1)" = gls(form, d, correlation = corAR1(form = one), control = tight),
    "compound symmetry" = gls(form, d, correlation = corCompSymm(form = one), control = tight))
  # With three visits a Toeplitz correlation is nlme's AR(2).
  if (nlevels(droplevels(d$visit)) == 3) {
    fits[["Toeplitz"]] <- gls(form, d, correlation = corARMA(form = one, p = 2), control = tight)
    fits[["heterogeneous Toeplitz"]] <- gls(form, d, correlation = corARMA(form = one, p = 2),
                                            weights = per, control = tight)
  }
  lapply(fits, function(m) list(log_likelihood = as.numeric(logLik(m)),
                                estimate = unname(coef(m)["armHRT"]),
                                se = unname(sqrt(diag(vcov(m)))["armHRT"])))
}

constrained <- function(name) {
  d <- read(name)
  # One baseline mean: arm departs from control after baseline only.
  for (a in arms[-1]) for (t in levels(d$visit)[-1])
    d[[paste0(a, "_", t)]] <- as.numeric(d$arm == a & d$visit == t)
  departures <- grep("^(MIT|HRT)_", names(d), value = TRUE)
  d$order <- d$visit_index + 1L
  form <- reformulate(c("visit", "baseline_age:visit", "sex", departures), "gap")
  m <- gls(form, d, correlation = corSymm(form = ~ order | participant_id),
           weights = varIdent(form = ~ 1 | visit), control = tight)
  data.frame(contrast = departures, estimate = unname(coef(m)[departures]),
             se = unname(sqrt(diag(vcov(m)))[departures]))
}

# Bias-reduced cluster-robust errors (CR2) with Satterthwaite degrees of freedom.
cluster_robust <- function(name) {
  # clubSandwich finds the data again by name, so it must be global.
  d <<- droplevels(subset(read(name), visit_index > 0))
  m <- gls(change ~ arm * visit + baseline_gap + sex, d, control = tight,
           correlation = corAR1(form = ~ visit_index | participant_id))
  k <- coef_test(m, vcov = vcovCR(m, type = "CR2"), test = "Satterthwaite")
  i <- match(c("armMIT", "armHRT"), rownames(k))
  data.frame(contrast = arms[-1], estimate = k$beta[i], se = k$SE[i], df = k$df_Satt[i])
}

per_visit <- function(name) {
  d <- subset(read(name), visit_index == 1)
  m <- lm(change ~ arm + baseline_gap + baseline_age + sex + stratum, d)
  robust <- vcovHC(m, type = "HC3")
  coefs <- function(v) {
    se <- sqrt(diag(v))[c("armMIT", "armHRT")]
    data.frame(contrast = arms[-1], estimate = unname(coef(m)[c("armMIT", "armHRT")]),
               se = unname(se), df = m$df.residual,
               p = unname(2 * pt(-abs(coef(m)[names(se)] / se), m$df.residual)))
  }
  robust_means <- as.data.frame(emmeans(m, ~ arm, weights = "proportional", vcov. = robust))
  means <- as.data.frame(emmeans(m, ~ arm, weights = "proportional"))
  # One person a cluster: CR2 is HC2, its degrees of freedom Bell and McCaffrey's.
  k <- coef_test(m, vcov = vcovCR(m, cluster = seq_len(nrow(d)), type = "CR2"),
                 test = "Satterthwaite")
  i <- match(c("armMIT", "armHRT"), rownames(k))
  hc2 <- data.frame(contrast = arms[-1], estimate = k$beta[i], se = k$SE[i], df = k$df_Satt[i],
                    p = k$p_Satt[i])
  list(classical = coefs(vcov(m)), hc3 = coefs(robust), hc2 = hc2,
       means = means[, c("arm", "emmean", "SE")],
       hc3_means = robust_means[, c("arm", "emmean", "SE")])
}

welch <- function(name) {
  d <- subset(read(name), visit_index == 1)
  r <- t.test(d$change[d$arm == "HRT"], d$change[d$arm == "CON"])
  list(estimate = unname(r$estimate[1] - r$estimate[2]), se = r$stderr, df = unname(r$parameter),
       p = r$p.value, ci_low = r$conf.int[1], ci_high = r$conf.int[2])
}

# Every covariate crossed with visit, nobody missing: the per-visit ANCOVA, classical errors.
identity <- function(name) {
  d <- read(name)
  rows <- lapply(1:2, function(t) {
    m <- lm(change ~ arm + baseline_gap + baseline_age + sex, subset(d, visit_index == t))
    s <- summary(m)$coefficients["armHRT", ]
    data.frame(visit = paste0("v", t), estimate = s[1], se = s[2], t = s[3], df = m$df.residual)
  })
  do.call(rbind, rows)
}

# Expected minus observed predicted age (Levakov), the slope of predicted age on age known.
levakov <- function(name) {
  d <- read(name)
  d$years <- d$visit_index + (d$baseline_age - 66) / 100
  d$predicted <- d$baseline_age + d$years + d$gap
  first <- subset(d, visit_index == 0)
  slope <- coef(lm(predicted ~ baseline_age, transform(first, predicted = baseline_age + gap)))[[2]]
  later <- droplevels(subset(d, visit_index > 0))
  later$attenuation <- later$baseline_age + later$baseline_gap + slope * later$years - later$predicted
  do.call(rbind, lapply(levels(later$visit), function(t) do.call(rbind, lapply(arms, function(a) {
    r <- t.test(subset(later, arm == a & visit == t)$attenuation)
    data.frame(arm = a, visit = t, slope = slope, attenuation = unname(r$estimate),
               t = unname(r$statistic), df = unname(r$parameter), p = r$p.value)
  }))))
}

# The gls statistic of the re-randomisation test: weights of the model without arm, errors
# clustered by person without any correction.
gls_statistic <- function(name) {
  d <- droplevels(subset(read(name), visit_index > 0))
  visits <- levels(d$visit)
  bare <- gls(change ~ visit + baseline_gap * visit + sex, d, control = tight,
              correlation = corSymm(form = ~ visit_index | participant_id),
              weights = varIdent(form = ~ 1 | visit))
  r <- diag(length(visits))
  r[lower.tri(r)] <- coef(bare$modelStruct$corStruct, unconstrained = FALSE)
  r <- r + t(r) - diag(length(visits))
  sd <- bare$sigma * coef(bare$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[visits]
  x <- model.matrix(~ arm * visit + baseline_gap * visit + sex, d)
  weighted <- function(f) Reduce(`+`, lapply(split(seq_len(nrow(d)), d$participant_id, drop = TRUE),
    function(rows) {
      v <- as.integer(d$visit)[rows]
      f(rows, solve((r * outer(sd, sd))[v, v, drop = FALSE]))
    }))
  phi <- solve(weighted(function(rows, w) t(x[rows, , drop = FALSE]) %*% w %*% x[rows, , drop = FALSE]))
  beta <- phi %*% weighted(function(rows, w) t(x[rows, , drop = FALSE]) %*% w %*% d$change[rows])
  residual <- d$change - drop(x %*% beta)
  meat <- weighted(function(rows, w) tcrossprod(t(x[rows, , drop = FALSE]) %*% w %*% residual[rows]))
  k <- weights_of(colnames(x), visits)[[paste("HRT", tail(visits, 1))]]
  list(visit = tail(visits, 1), estimate = sum(k * beta),
       statistic = sum(k * beta) / sqrt(drop(t(k) %*% phi %*% meat %*% phi %*% k)))
}

# The gap's slope on age over several scans of a person, and the spline correction.
gap_slopes <- function(name) {
  d <- read(name)
  d$age <- d$baseline_age + d$visit_index
  m <- lm(gap ~ age, d)
  ends <- function(se, df) coef(m)[["age"]] + c(-1, 1) * qt(0.975, df) * se
  people <- length(unique(d$participant_id))
  knots <- quantile(d$age, c(0.05, 0.35, 0.65, 0.95), names = FALSE)
  at <- c(55, 64, 66.5, 69, 80)
  curve <- lm(gap ~ splines::ns(age, knots = knots[2:3], Boundary.knots = knots[c(1, 4)]), d)
  list(slope = coef(m)[["age"]],
       by_person = ends(sqrt(vcovCR(m, d$participant_id, "CR3")["age", "age"]), people - 2),
       by_scan = ends(sqrt(vcovHC(m, "HC3")["age", "age"]), nrow(d) - 2),
       ages = at, expected_gap = unname(predict(curve, data.frame(age = at))))
}

names_of_sets <- c("complete", "missing", "three", "small")
result <- list(
  versions = as.list(sapply(c("nlme", "lme4", "lmerTest", "pbkrtest", "emmeans", "sandwich",
                              "clubSandwich"),
                            function(p) as.character(packageVersion(p)))),
  mmrm = setNames(lapply(names_of_sets, fit_one), names_of_sets),
  per_arm = setNames(lapply(c("complete", "missing"), per_arm), c("complete", "missing")),
  structures = setNames(lapply(c("missing", "three"), structures), c("missing", "three")),
  constrained = setNames(lapply(c("complete", "missing"), constrained), c("complete", "missing")),
  per_visit = setNames(lapply(names_of_sets, per_visit), names_of_sets),
  cluster_robust = setNames(lapply(names_of_sets, cluster_robust), names_of_sets),
  levakov = levakov("missing"), gap_slopes = gap_slopes("missing"),
  gls_statistic = setNames(lapply(c("missing", "three"), gls_statistic), c("missing", "three")),
  welch = welch("complete"), identity = identity("complete"))
write_json(result, file.path(folder, "reference.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE)
