//! Reads a price book and refuses what rating could not trust.
//!
//! Owns the order of the checks and what a left-out key means; the single
//! checks are in `checks`. All of them are made here, so that rating needs none.

use num_traits::Zero;
use sha2::{Digest, Sha256};

use super::file::BookFile;
use super::readings::HDP_AS;
use super::source::Source;
use super::{
    DISCOUNT_DECIMALS, LineRounding, PRICE_DECIMALS, Plan, PriceBook, PriceBookError, Rates, Terms,
    TierEdge, TierFill, checks,
};
use crate::domain::Media;

pub(super) fn parse(name_of_source: &str, text: &str) -> Result<PriceBook, PriceBookError> {
    let (source, mut file) = Source::read(name_of_source, text)?;
    let name = source.required("name", file.name.take())?;
    if name.get_ref().is_empty() {
        return Err(source.value_error("name", &name, "a name of one character or more"));
    }
    let plan = source.required("plan", file.plan.as_ref())?;
    let plan = source.chosen("plan", plan, &Plan::ALL.map(|it| (it.name(), it)))?;
    let currency = checks::currency(source, source.required("currency", file.currency.as_ref())?)?;
    let sd_as = source.choice("sd_as", file.sd_as.as_ref(), &[("hd", Media::Hd)])?;
    let (valid_from, valid_to) = checks::months(source, &file)?;
    let (free_minutes, free_order_name, free_order) = checks::free_minutes(source, &file)?;
    let prices = checks::prices(source, sd_as, file.prices.as_ref())?;
    let standard = checks::standard(source, plan, sd_as, &file)?;
    let audience_share = checks::audience_share(source, &file, &prices, standard.as_ref())?;
    Ok(PriceBook {
        plan,
        currency,
        valid_from,
        valid_to,
        accounts: checks::accounts(source, file.accounts.as_deref().unwrap_or_default())?,
        free_minutes,
        free_order_name,
        free_order,
        sd_as,
        hdp_as: source.choice("hdp_as", file.hdp_as.as_ref(), &HDP_AS.map(|it| (it.name(), it)))?,
        tier_fill: source
            .choice("tier_fill", file.tier_fill.as_ref(), &TierFill::ALL.map(|it| (it.name(), it)))?
            .unwrap_or(TierFill::CheapestFirst),
        tier_edge: source
            .choice("tier_edge", file.tier_edge.as_ref(), &TierEdge::ALL.map(|it| (it.name(), it)))?
            .unwrap_or(TierEdge::HalfOpen),
        rates: source
            .choice("rates", file.rates.as_ref(), &Rates::ALL.map(|it| (it.name(), it)))?
            .unwrap_or(Rates::Percent),
        line_rounding: source
            .choice(
                "line_rounding",
                file.line_rounding.as_ref(),
                &LineRounding::ALL.map(|it| (it.name(), it)),
            )?
            .unwrap_or(LineRounding::None),
        audience_share,
        terms: terms(source, &file)?,
        standard,
        tiers: checks::tiers(source, plan, file.tiers.as_deref().unwrap_or_default())?,
        prices,
        sha256: sha256_hex(source),
        text: text.to_owned(),
        name: name.into_inner(),
        description: source.required("description", file.description)?,
    })
}

fn terms(source: Source<'_>, file: &BookFile) -> Result<Terms, PriceBookError> {
    let percent = |key, value| checks::percent(source, key, value, DISCOUNT_DECIMALS);
    let commitment = file.minimum_commitment.as_ref();
    Ok(Terms {
        discount_percent: percent("discount_percent", file.discount_percent.as_ref())?,
        minimum_commitment: match commitment {
            Some(amount) => checks::amount(source, "minimum_commitment", amount, PRICE_DECIMALS)?,
            None => Zero::zero(),
        },
        tax_percent: percent("tax_percent", file.tax_percent.as_ref())?,
    })
}

fn sha256_hex(source: Source<'_>) -> String {
    let mut hash = Sha256::new();
    source.texts().for_each(|text| hash.update(text));
    format!("{:x}", hash.finalize())
}
