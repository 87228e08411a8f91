//! What `sluice gateway …` is told.

use clap::{Args, Subcommand};
use sluice_core::routing::explain::HeaderLine;

/// `sluice gateway …`.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Tells which version a request would get, and why; nothing is sent to the service
    Explain(ExplainArgs),
}

/// Options of `sluice gateway explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice gateway explain --url https://shop.example.com/checkout?x=1 --header 'x-user-id: 7'\n  \
    sluice gateway explain --url http://shop.example.com/ --cookie sluice_unit=8f14e45f\n  \
    sluice gateway explain --url http://shop.example.com/ --method POST -o json\n\n\
    The exit code is 1 when the gateway would answer by itself, as where no route takes the request.")]
pub(crate) struct ExplainArgs {
    /// Where the request goes, with host; port and scheme do not matter
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// The request's method
    #[arg(long, value_name = "METHOD", default_value = "GET", hide_default_value = true)]
    pub(crate) method: String,
    /// A header of the request. May be given more than once
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<HeaderLine>,
    /// A cookie of the request. May be given more than once
    #[arg(long = "cookie", value_name = "NAME=VALUE", value_parser = cookie)]
    pub(crate) cookies: Vec<String>,
}

fn header(text: &str) -> Result<HeaderLine, String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'x-user-id: 7'")?;
    if name.is_empty() || name.trim() != name {
        return Err("its name is what stands before the colon, as in 'x-user-id: 7'".to_owned());
    }
    Ok(HeaderLine { name: name.to_owned(), value: value.trim().to_owned() })
}

fn cookie(text: &str) -> Result<String, String> {
    let is_pair = text.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty());
    if !is_pair || text.contains(';') {
        return Err("write it as name=value, and give the option once for each cookie".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_cookies_are_read_as_curl_reads_them() {
        let line = |name: &str, value: &str| HeaderLine { name: name.to_owned(), value: value.to_owned() };
        assert_eq!(header("x-user-id: 7"), Ok(line("x-user-id", "7")));
        assert_eq!(header("Referer:http://a/"), Ok(line("Referer", "http://a/")));
        assert_eq!(header("x-empty:"), Ok(line("x-empty", "")));
        for text in ["x-user-id", ": 7", "x-user-id : 7", ""] {
            assert!(header(text).is_err(), "{text} was taken");
        }
        assert_eq!(cookie("a=b=c"), Ok("a=b=c".to_owned()));
        for text in ["a", "=b", "a=b; c=d"] {
            assert!(cookie(text).is_err(), "{text} was taken");
        }
    }
}
