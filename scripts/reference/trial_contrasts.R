# Reference values of named contrasts, joint tests and moderators, from nlme, lmerTest, emmeans.
#   Rscript scripts/reference/trial_contrasts.R tests/reference_values/trial
# Reads the *.tsv made by make_trial_data.py, writes contrasts.json beside them.
suppressMessages({
  library(nlme); library(lme4); library(lmerTest); library(emmeans); library(jsonlite)
})
folder <- commandArgs(trailingOnly = TRUE)[1]
arms <- c("CON", "MIT", "HRT")
tight <- glsControl(tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 500)
loose <- lmerControl(check.nobs.vs.nRE = "ignore", optimizer = "bobyqa",
                     optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
read <- function(name) {
  d <- read.delim(file.path(folder, paste0(name, ".tsv")))
  d$arm <- factor(d$arm, levels = arms)
  d <- subset(d, visit_index > 0)
  d$visit <- droplevels(factor(d$visit))
  d$participant_id <- factor(d$participant_id)
  d
}
terms_of <- "arm * visit + baseline_gap * visit + baseline_age * visit + sex + stratum"

# Weights of the coefficients in the cell of an arm and a visit, covariates at zero.
cell <- function(names, arm, visit) {
  w <- setNames(numeric(length(names)), names)
  w["(Intercept)"] <- 1
  for (k in c(paste0("arm", arm), paste0("visit", visit), paste0("arm", arm, ":visit", visit)))
    if (k %in% names) w[k] <- 1
  w
}

contrasts_of <- function(name) {
  d <- read(name)
  visits <- levels(d$visit)
  m <- lmer(as.formula(paste("change ~", terms_of, "+ (0 + visit | participant_id)")), d, control = loose)
  g <- gls(as.formula(paste("change ~", terms_of)), d, control = tight,
           correlation = corSymm(form = ~ visit_index | participant_id),
           weights = varIdent(form = ~ 1 | visit))
  n <- names(fixef(m))
  at <- function(a, t) cell(n, a, t)
  last <- tail(visits, 1); before <- tail(visits, 2)[1]
  w <- list(
    "HRT - MIT, last" = at("HRT", last) - at("MIT", last),
    "pooled, last" = (at("HRT", last) + at("MIT", last)) / 2 - at("CON", last),
    "durability HRT" = (at("HRT", last) - at("CON", last)) - (at("HRT", before) - at("CON", before)),
    "average HRT - MIT" = Reduce(`+`, lapply(visits, function(t) at("HRT", t) - at("MIT", t))) / length(visits))
  one <- do.call(rbind, lapply(names(w), function(k) {
    r <- contest1D(m, w[[k]], confint = TRUE)
    data.frame(name = k, estimate = r$Estimate, se = r$`Std. Error`, df = r$df,
               low = r$lower, high = r$upper, gls_estimate = sum(w[[k]] * coef(g)),
               gls_se = sqrt(drop(t(w[[k]]) %*% vcov(g) %*% w[[k]])))
  }))
  any_arm <- function(t) rbind(at("MIT", t) - at("CON", t), at("HRT", t) - at("CON", t))
  joint <- function(l) { r <- contestMD(m, l); data.frame(f = r$`F value`, df1 = r$NumDF, df2 = r$DenDF, p = r$`Pr(>F)`) }
  list(one = one, any_arm_last = joint(any_arm(last)),
       any_arm = joint(do.call(rbind, lapply(visits, any_arm))),
       arm_by_visit = joint(do.call(rbind, lapply(visits[-1], function(t) any_arm(t) - any_arm(visits[1])))))
}

# Interaction of arm, visit and baseline age, or sex, and the effect of HRT at values of it.
moderators_of <- function(name) {
  d <- read(name)
  visits <- levels(d$visit); last <- tail(visits, 1)
  centre <- mean(d$baseline_age[!duplicated(d$participant_id)])
  d$age_c <- d$baseline_age - centre
  m <- lmer(change ~ arm * visit * age_c + baseline_gap * visit + sex + stratum +
              (0 + visit | participant_id), d, control = loose)
  n <- names(fixef(m))
  slope <- function(a, t) {
    w <- setNames(numeric(length(n)), n)
    w[paste0("arm", a, ":age_c")] <- 1
    k <- paste0("arm", a, ":visit", t, ":age_c"); if (k %in% n) w[k] <- 1
    w
  }
  one <- function(w, model = m) { r <- contest1D(model, w, confint = TRUE); data.frame(estimate = r$Estimate, se = r$`Std. Error`, df = r$df) }
  joint <- function(l, model) { r <- contestMD(model, l); data.frame(f = r$`F value`, df1 = r$NumDF, df2 = r$DenDF, p = r$`Pr(>F)`) }
  continuous <- list(
    interaction = one(slope("HRT", last)),
    at_68 = one(cell(n, "HRT", last) - cell(n, "CON", last) + (68 - centre) * slope("HRT", last)),
    joint = joint(do.call(rbind, lapply(arms[-1], function(a) do.call(rbind, lapply(visits, function(t) slope(a, t))))), m))
  f <- lmer(change ~ arm * visit * sex + baseline_gap * visit + baseline_age * visit + stratum +
              (0 + visit | participant_id), d, control = loose)
  k <- names(fixef(f))
  level <- function(a, t) {
    w <- setNames(numeric(length(k)), k)
    w[paste0("arm", a, ":sexmale")] <- 1
    j <- paste0("arm", a, ":visit", t, ":sexmale"); if (j %in% k) w[j] <- 1
    w
  }
  categorical <- list(
    interaction = one(level("HRT", last), f),
    male = one(cell(k, "HRT", last) - cell(k, "CON", last) + level("HRT", last), f),
    joint = joint(do.call(rbind, lapply(arms[-1], function(a) do.call(rbind, lapply(visits, function(t) level(a, t))))), f))
  list(age = continuous, sex = categorical)
}

sets <- c("complete", "missing", "three")
result <- list(
  versions = as.list(sapply(c("nlme", "lme4", "lmerTest"), function(p) as.character(packageVersion(p)))),
  contrasts = setNames(lapply(sets, contrasts_of), sets),
  moderators = setNames(lapply(c("complete", "missing"), moderators_of), c("complete", "missing")))
write_json(result, file.path(folder, "contrasts.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE)
