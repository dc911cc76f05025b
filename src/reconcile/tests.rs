//! Causes that were planted in an invoice are found, alone and in pairs.

mod planted;
mod properties;
mod single;
mod terms;
