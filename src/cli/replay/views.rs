//! Which requests are page views, and of which article.

use std::borrow::Cow;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::log::{Entry, Request};

/// Extensions of what a page is made of, and of what programs ask for.
pub const ASSETS: &str = "atom,avif,bmp,bz2,css,csv,eot,gif,gz,ico,jar,jpeg,jpg,js,json,map,md5,\
                          mjs,mp3,mp4,ogg,otf,pdf,png,rss,svg,tar,tgz,ttf,txt,wasm,wav,webm,\
                          webmanifest,webp,woff,woff2,xml,xz,zip";

/// Tells page views from everything else.
#[derive(Debug, Clone)]
pub struct PageViews {
    include: GlobSet,
    exclude: GlobSet,
    assets: Vec<String>,
}

impl PageViews {
    /// Page views among the paths that match one of `include` (all, when empty) and none of
    /// `exclude`, and that end in none of the extensions `assets`.
    ///
    /// # Errors
    /// When the patterns are too many to search for at once.
    pub fn new(
        include: &[Glob],
        exclude: &[Glob],
        assets: &[String],
    ) -> Result<Self, globset::Error> {
        let set = |globs: &[Glob]| {
            let mut builder = GlobSetBuilder::new();
            for glob in globs {
                builder.add(glob.clone());
            }
            builder.build()
        };
        Ok(Self { include: set(include)?, exclude: set(exclude)?, assets: assets.to_vec() })
    }

    /// The article of `entry`, when it is a page view: a `GET` that was answered with the page or
    /// with the news that the client's copy is still good.
    #[must_use]
    pub fn article<'a>(&self, entry: &Entry<'a>) -> Option<Cow<'a, str>> {
        let request = entry.request.filter(|request| request.method == b"GET")?;
        if !matches!(entry.status, 200 | 304) {
            return None;
        }
        let path = String::from_utf8_lossy(path(request)?);
        let wanted = (self.include.is_empty() || self.include.is_match(&*path))
            && !self.exclude.is_match(&*path)
            && !self.is_asset(&path);
        wanted.then_some(path)
    }

    fn is_asset(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|it| self.assets.iter().any(|asset| asset.eq_ignore_ascii_case(it)))
    }
}

/// The path alone: without the query, the fragment, or a proxy's `http://host`. A directory's
/// `index.html` is the directory. Nothing else is made equal: what a server answers with 200
/// under two paths counts as two articles.
fn path(request: Request<'_>) -> Option<&[u8]> {
    let target = request.target;
    let end = target.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(target.len());
    let mut path = target.get(..end)?;
    if !path.starts_with(b"/") {
        let host = path.strip_prefix(b"http://").or_else(|| path.strip_prefix(b"https://"))?;
        path = host.get(host.iter().position(|byte| *byte == b'/')?..)?;
    }
    if path.ends_with(b"/index.html") {
        path = path.strip_suffix(b"index.html")?;
    }
    Some(path)
}

/// Reads a pattern of `--include` or `--exclude`: `*` stays within one segment of the path, `**`
/// does not.
///
/// # Errors
/// What is wrong with the pattern.
pub fn pattern(text: &str) -> Result<Glob, globset::Error> {
    globset::GlobBuilder::new(text).literal_separator(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn views(include: &[&str], exclude: &[&str]) -> PageViews {
        let globs = |texts: &[&str]| -> Vec<Glob> {
            texts.iter().map(|text| pattern(text).unwrap()).collect()
        };
        let assets: Vec<String> = ASSETS.split(',').map(str::to_owned).collect();
        PageViews::new(&globs(include), &globs(exclude), &assets).unwrap()
    }

    fn article(views: &PageViews, method: &str, target: &str, status: u16) -> Option<String> {
        let request = Request { method: method.as_bytes(), target: target.as_bytes() };
        let entry = Entry {
            address: b"::1",
            at: Timestamp::UNIX_EPOCH,
            request: Some(request),
            status,
            agent: None,
        };
        views.article(&entry).map(Cow::into_owned)
    }

    #[test]
    fn a_page_view_is_a_successful_get_of_what_is_no_asset() {
        let views = views(&[], &[]);
        for (method, target, status, expected) in [
            ("GET", "/blog/tides.html?utm=x#top", 200, Some("/blog/tides.html")),
            ("GET", "/blog/", 304, Some("/blog/")),
            ("GET", "/blog/index.html", 200, Some("/blog/")),
            ("GET", "http://www.example.org/a?b", 200, Some("/a")),
            ("GET", "/v1.2/notes", 200, Some("/v1.2/notes")),
            ("GET", "/papers/x.pdf.html", 200, Some("/papers/x.pdf.html")),
            ("GET", "/style.CSS?v=3", 200, None),
            ("GET", "/robots.txt", 200, None),
            ("GET", "*", 200, None),
            ("HEAD", "/blog/", 200, None),
            ("POST", "/blog/", 200, None),
            ("GET", "/blog", 301, None),
            ("GET", "/blog/", 206, None),
            ("GET", "/missing", 404, None),
        ] {
            let found = article(&views, method, target, status);
            assert_eq!(found.as_deref(), expected, "{method} {target} {status}");
        }
    }

    #[test]
    fn patterns_narrow_what_counts() {
        let views = views(&["/blog/**", "/20*/*"], &["/blog/tags/**", "/blog/"]);
        for (target, counts) in [
            ("/blog/geekery/a.html", true),
            ("/2015/tides", true),
            ("/2015/05/tides", false),
            ("/blog/tags/puppet", false),
            ("/blog/", false),
            ("/about", false),
            ("/blog/a.png", false),
        ] {
            assert_eq!(article(&views, "GET", target, 200).is_some(), counts, "{target}");
        }
    }
}
