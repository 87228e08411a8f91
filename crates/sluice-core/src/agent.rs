//! What a visitor's browser says of itself, in families: enough to keep a release from the old phones, and no more. A
//! `User-Agent` is what its sender likes, so nothing here is for trust.

/// The families that a `User-Agent` is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// One of [`BROWSERS`].
    pub browser: &'static str,
    /// One of [`SYSTEMS`].
    pub system: &'static str,
    /// One of [`DEVICES`].
    pub device: &'static str,
}

/// What `request.browser` can be. `webview` is an app that shows pages.
pub const BROWSERS: [&str; 10] =
    ["chrome", "safari", "firefox", "edge", "opera", "samsung", "webview", "bot", "tool", "other"];
/// What `request.system` can be.
pub const SYSTEMS: [&str; 7] = ["windows", "macos", "linux", "chromeos", "android", "ios", "other"];
/// What `request.device` can be.
pub const DEVICES: [&str; 5] = ["desktop", "phone", "tablet", "bot", "other"];

/// The first of these words that a text has decides. Browsers carry the names of those that they want to be taken for, so
/// the order is from the most particular to the most general.
const BROWSER_WORDS: [(&str, &str); 30] = [
    ("bot", "bot"),
    ("Bot", "bot"),
    ("spider", "bot"),
    ("crawler", "bot"),
    ("facebookexternalhit", "bot"),
    ("curl/", "tool"),
    ("Wget/", "tool"),
    ("python-", "tool"),
    ("Go-http-client", "tool"),
    ("okhttp/", "tool"),
    ("PostmanRuntime", "tool"),
    ("Edg/", "edge"),
    ("EdgA/", "edge"),
    ("EdgiOS/", "edge"),
    ("Edge/", "edge"),
    ("OPR/", "opera"),
    ("Opera", "opera"),
    ("OPiOS/", "opera"),
    ("SamsungBrowser/", "samsung"),
    ("FxiOS/", "firefox"),
    ("Firefox/", "firefox"),
    ("CriOS/", "chrome"),
    ("; wv)", "webview"),
    ("Chromium/", "chrome"),
    ("Chrome/", "chrome"),
    ("Version/", "safari"),
    ("Safari/", "safari"),
    ("AppleWebKit/", "webview"),
    ("MSIE ", "other"),
    ("Trident/", "other"),
];

const SYSTEM_WORDS: [(&str, &str); 11] = [
    ("Android", "android"),
    ("iPhone", "ios"),
    ("iPad", "ios"),
    ("iPod", "ios"),
    ("CrOS", "chromeos"),
    ("Windows", "windows"),
    ("Mac OS X", "macos"),
    ("Macintosh", "macos"),
    ("Linux", "linux"),
    ("X11", "linux"),
    ("Darwin", "macos"),
];

impl Agent {
    /// Reads a `User-Agent`. Time is bounded by its length.
    pub fn of(text: &str) -> Agent {
        let first = |words: &[(&str, &'static str)]| {
            words.iter().find(|(word, _)| text.contains(word)).map_or("other", |(_, family)| *family)
        };
        let (browser, system) = (first(&BROWSER_WORDS), first(&SYSTEM_WORDS));
        let is_mobile = text.contains("Mobile");
        let device = match (browser, system) {
            ("bot", _) => "bot",
            (_, "android") if !is_mobile => "tablet",
            (_, "ios") if text.contains("iPad") => "tablet",
            (_, "android" | "ios") => "phone",
            (_, "windows" | "macos" | "linux" | "chromeos") if browser != "tool" => "desktop",
            _ => "other",
        };
        Agent { browser, system, device }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_browsers_are_told_apart() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (text, browser, system, device) in [
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36"), "chrome", "windows", "desktop"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0"), "edge", "windows", "desktop"),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {webkit} Chrome/141.0 Safari/537.36"), "chrome", "chromeos", "desktop"),
            (format!("Mozilla/5.0 (Linux; Android 15; SM-S928B) {webkit} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36"), "samsung", "android", "phone"),
            (format!("Mozilla/5.0 (Linux; Android 15; Tab) {webkit} Chrome/141.0 Safari/537.36"), "chrome", "android", "tablet"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15".to_owned(), "safari", "macos", "desktop"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0 Mobile/15E148 Safari/604.1".to_owned(), "chrome", "ios", "phone"),
            ("Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1".to_owned(), "safari", "ios", "tablet"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0".to_owned(), "firefox", "linux", "desktop"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".to_owned(), "bot", "other", "bot"),
            ("curl/8.5.0".to_owned(), "tool", "other", "other"),
            ("".to_owned(), "other", "other", "other"),
        ] {
            assert_eq!(Agent::of(&text), Agent { browser, system, device }, "{text}");
        }
    }

    #[test]
    fn every_family_is_one_that_rules_know() {
        assert!(BROWSER_WORDS.iter().all(|(_, family)| BROWSERS.contains(family)));
        assert!(SYSTEM_WORDS.iter().all(|(_, family)| SYSTEMS.contains(family)));
    }
}
