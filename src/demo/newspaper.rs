//! What the newspaper holds: articles in sections, and where the free part of each one ends.

use serde::{Deserialize, Deserializer};
use time::Date;

use super::assets::{SOURCES, Source};

/// At most so many opening paragraphs are shown to everybody.
const LEAD_IN_BLOCKS: usize = 2;
const WORDS_PER_MINUTE: usize = 200;

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// A part of the newspaper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// How nature works.
    Science,
    /// What people make.
    Culture,
    /// How things came to be.
    History,
    /// Everyday things.
    Living,
}

impl Section {
    /// Every section, in the order of the paper.
    pub const ALL: [Self; 4] = [Self::Science, Self::Culture, Self::History, Self::Living];

    /// As the access call and the page's anchors write it: `science`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Science => "science",
            Self::Culture => "culture",
            Self::History => "history",
            Self::Living => "living",
        }
    }

    /// As readers see it: `Science`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Science => "Science",
            Self::Culture => "Culture",
            Self::History => "History",
            Self::Living => "Living",
        }
    }
}

/// One piece of an article's text, plain and not yet escaped.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Block {
    /// Running text.
    Paragraph {
        /// The words.
        #[serde(deserialize_with = "one_line")]
        text: String,
    },
    /// A heading inside the article.
    Heading {
        /// The words.
        text: String,
    },
    /// Somebody's words.
    Quote {
        /// The words.
        #[serde(deserialize_with = "one_line")]
        text: String,
        /// Whose.
        cite: Option<String>,
    },
}

impl Block {
    /// The words, whatever they are.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Paragraph { text } | Self::Heading { text } | Self::Quote { text, .. } => text,
        }
    }
}

/// What a screen reader says of the picture, and the line under it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// What it shows, for those who do not see it.
    #[serde(deserialize_with = "one_line")]
    pub alt: String,
    /// The line under it.
    #[serde(deserialize_with = "one_line")]
    pub caption: String,
}

/// All that may be shown of an article to anybody; it holds no part of the text.
#[derive(Debug)]
pub struct Summary {
    /// The last part of its address, and its id at the meter.
    pub slug: &'static str,
    /// The headline.
    pub title: String,
    /// Where it stands in the paper.
    pub section: Section,
    /// The byline.
    pub author: String,
    /// The day of publication.
    pub published: Date,
    /// The sentence under the headline.
    pub standfirst: String,
    /// The picture.
    pub picture: Picture,
    /// How long a calm reader takes.
    pub minutes: usize,
}

/// An article; its text is reached only through `lead_in` and `paid`.
#[derive(Debug)]
pub struct Article {
    /// What anybody may see.
    pub summary: Summary,
    blocks: Vec<Block>,
}

/// The article file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArticleFile {
    title: String,
    section: Section,
    author: String,
    #[serde(with = "iso_date")]
    published: Date,
    #[serde(deserialize_with = "one_line")]
    standfirst: String,
    picture: Picture,
    blocks: Vec<Block>,
}

/// The files wrap their lines for whoever edits them; the page wraps its own.
fn one_line<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let wrapped = String::deserialize(input)?;
    Ok(wrapped.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl Article {
    /// Reads one article file.
    ///
    /// # Errors
    /// When it is not TOML, or not an article.
    pub fn parse(slug: &'static str, text: &str) -> Result<Self, toml::de::Error> {
        let file: ArticleFile = toml::from_str(text)?;
        let words: usize =
            file.blocks.iter().map(|block| block.text().split_whitespace().count()).sum();
        let summary = Summary {
            slug,
            title: file.title,
            section: file.section,
            author: file.author,
            published: file.published,
            standfirst: file.standfirst,
            picture: file.picture,
            minutes: words.div_ceil(WORDS_PER_MINUTE).max(1),
        };
        Ok(Self { summary, blocks: file.blocks })
    }

    /// The opening paragraphs, shown to everybody.
    #[must_use]
    pub fn lead_in(&self) -> &[Block] {
        self.blocks.split_at(self.lead_in_length()).0
    }

    /// The rest, for those whom the paywall lets pass.
    #[must_use]
    pub fn paid(&self) -> &[Block] {
        self.blocks.split_at(self.lead_in_length()).1
    }

    fn lead_in_length(&self) -> usize {
        let opening = self.blocks.iter().take(LEAD_IN_BLOCKS);
        opening.take_while(|block| matches!(block, Block::Paragraph { .. })).count()
    }
}

/// An article file that is compiled in and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("article `{slug}` of the demonstration newspaper cannot be read")]
pub struct NewspaperError {
    slug: &'static str,
    source: toml::de::Error,
}

/// The whole paper, newest article first.
#[derive(Debug)]
pub struct Newspaper {
    articles: Vec<Article>,
}

impl Newspaper {
    /// As it stands on the masthead.
    pub const NAME: &str = "The Fathom";

    /// Reads the articles that are compiled in.
    ///
    /// # Errors
    /// Names the first article that cannot be read.
    pub fn load() -> Result<Self, NewspaperError> {
        let read = |&Source { slug, article, .. }: &Source| {
            Article::parse(slug, article).map_err(|source| NewspaperError { slug, source })
        };
        let mut articles = SOURCES.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        articles.sort_by_key(|article| std::cmp::Reverse(article.summary.published));
        Ok(Self { articles })
    }

    /// The article at `/demo/articles/<slug>`.
    #[must_use]
    pub fn find(&self, slug: &str) -> Option<&Article> {
        self.articles.iter().find(|article| article.summary.slug == slug)
    }

    /// Every article's summary, newest first.
    pub fn summaries(&self) -> impl Iterator<Item = &Summary> {
        self.articles.iter().map(|article| &article.summary)
    }

    /// The summaries of one section, newest first.
    pub fn in_section(&self, section: Section) -> impl Iterator<Item = &Summary> {
        self.summaries().filter(move |summary| summary.section == section)
    }

    /// What else to read after `slug`: its own section first, then the newest.
    pub fn related<'a>(&'a self, to: &'a Summary) -> impl Iterator<Item = &'a Summary> {
        let others = self.summaries().filter(|other| other.section != to.section);
        self.in_section(to.section).filter(|other| other.slug != to.slug).chain(others)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    type TestResult = Result<(), NewspaperError>;

    #[test]
    fn twelve_articles_stand_in_four_sections_under_slugs_of_their_own() -> TestResult {
        let paper = Newspaper::load()?;
        let slugs: HashSet<_> = paper.summaries().map(|summary| summary.slug).collect();
        assert_eq!(slugs.len(), 12);
        for section in Section::ALL {
            assert_eq!(paper.in_section(section).count(), 3, "{section:?}");
        }
        let tides = paper.find("how-tides-work").map(|article| article.summary.section);
        assert_eq!(tides, Some(Section::Science));
        assert!(paper.find("no-such-article").is_none());
        Ok(())
    }

    #[test]
    fn every_article_opens_freely_and_has_more_to_pay_for() -> TestResult {
        for article in Newspaper::load()?.articles {
            let slug = article.summary.slug;
            assert_eq!(article.lead_in().len(), LEAD_IN_BLOCKS, "{slug}");
            assert!(article.paid().len() >= 4, "{slug}");
            assert!(!article.summary.picture.alt.is_empty(), "{slug}");
            let words: usize =
                article.blocks.iter().map(|block| block.text().split_whitespace().count()).sum();
            assert!((350..=550).contains(&words), "{slug} has {words} words");
        }
        Ok(())
    }

    #[test]
    fn the_newest_article_comes_first() -> TestResult {
        let paper = Newspaper::load()?;
        let dates: Vec<_> = paper.summaries().map(|summary| summary.published).collect();
        assert!(dates.is_sorted_by(|newer, older| newer >= older));
        Ok(())
    }

    #[test]
    fn related_articles_begin_with_the_same_section_and_leave_out_the_article() -> TestResult {
        let paper = Newspaper::load()?;
        let bread = paper.find("why-bread-rises").map(|article| &article.summary);
        let related = bread.into_iter().flat_map(|bread| paper.related(bread));
        let related: Vec<_> = related.map(|other| other.slug).collect();
        assert_eq!(related[..2], ["the-night-trains", "why-wool-keeps-you-warm"]);
        assert_eq!(related.len(), 11);
        Ok(())
    }

    #[test]
    fn a_field_that_no_article_has_is_refused() {
        assert!(Article::parse("x", "title = \"X\"\nprice = 1").is_err());
    }
}
