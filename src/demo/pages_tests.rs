//! What the pages promise: no paid word behind the wall, no price of their own, nothing unescaped.

use time::macros::date;

use super::*;

const URL: &str = "https://news.example/demo/articles/how-tides-work";

fn offer() -> OfferView {
    let plan = |id: &str, price: &str, interval: &str| PlanView {
        id: id.to_owned(),
        name: format!("The {id} plan"),
        price: price.to_owned(),
        interval: interval.to_owned(),
        trial_days: 0,
        savings: None,
        best_value: false,
    };
    OfferView {
        free_articles: 1,
        plans: vec![
            PlanView { trial_days: 14, ..plan("m1", "€3.33", "month") },
            PlanView {
                savings: Some("€7.77".to_owned()),
                best_value: true,
                ..plan("y1", "€22.22", "year")
            },
        ],
    }
}

fn meter(limit: u32, used: u32) -> MeterView {
    MeterView { remaining: limit - used, resets_on: date!(2026 - 12 - 23) }
}

fn around(meter: Option<&MeterView>) -> Around<'_> {
    Around { meter, ..Around::default() }
}

fn full(paper: &Newspaper) -> String {
    let tides = paper.find("how-tides-work").unwrap();
    article(paper, tides, ArticleView::Full, &around(Some(&meter(1, 1))), (URL, None)).unwrap()
}

fn walled(paper: &Newspaper, offer: &OfferView, meter: Option<&MeterView>) -> String {
    let tides = paper.find("how-tides-work").unwrap();
    article(
        paper,
        tides,
        ArticleView::Walled { offer, support_code: Some("K7Q-2M") },
        &around(meter),
        (URL, None),
    )
    .unwrap()
}

#[test]
fn the_wall_lets_the_lead_in_through_and_no_paid_word() {
    let paper = Newspaper::load().unwrap();
    let tides = paper.find("how-tides-work").unwrap();
    let (full, walled) = (full(&paper), walled(&paper, &offer(), Some(&meter(1, 1))));

    for block in tides.lead_in() {
        let text = escaped(block.text());
        assert!(full.contains(&text) && walled.contains(&text), "{text}");
    }
    for block in tides.paid() {
        let text = escaped(block.text());
        assert!(full.contains(&text) && !walled.contains(&text), "{text}");
    }
}

fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).unwrap().to_string()
}

#[test]
fn exactly_one_element_is_declared_paid_on_either_page() {
    let paper = Newspaper::load().unwrap();
    for page in [full(&paper), walled(&paper, &offer(), Some(&meter(1, 1)))] {
        let classes = page.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let paid = classes.flat_map(str::split_whitespace).filter(|class| *class == "paid");
        assert_eq!(paid.count(), 1);
        assert!(page.contains(r#""cssSelector":".paid""#));
        assert_eq!(page.matches("<h1").count(), 1);
    }
}

#[test]
fn the_wall_says_what_the_catalog_says() {
    let paper = Newspaper::load().unwrap();
    let page = walled(&paper, &offer(), Some(&meter(1, 1)));
    for words in [
        "You’ve reached your limit of one free article",
        "14 days free, then €3.33 a month",
        "€22.22 a year",
        "Best value",
        "Save €7.77",
        "You can cancel anytime",
        "Your next free article: <time datetime=\"2026-12-23\">23 December 2026</time>",
        "K7Q-2M",
        "/subscribe?site=demo&amp;plan=m1&amp;return_to=/demo/articles/how-tides-work",
        "/subscribe?site=demo&amp;plan=y1&amp;return_to=/demo/articles/how-tides-work",
        "/login?return_to=/demo/articles/how-tides-work",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains('$'), "a price that no catalog gave");
}

#[test]
fn the_heading_counts_as_people_do() {
    let cases = [
        (1, "You’ve reached your limit of one free article"),
        (3, "You’ve reached your limit of three free articles"),
        (10, "You’ve reached your limit of ten free articles"),
        (11, "You’ve reached your limit of 11 free articles"),
        (0, "This article is for subscribers"),
    ];
    for (free_articles, heading) in cases {
        let offer = OfferView { free_articles, ..offer() };
        assert_eq!(wall_heading(&offer, Some(&meter(1, 1))), heading);
        assert_eq!(wall_heading(&offer, None), "This article is for subscribers");
    }
}

#[test]
fn the_header_counts_what_is_left() {
    let paper = Newspaper::load().unwrap();
    assert_eq!(meter(1, 0).line(), "1 free article left");
    assert_eq!(meter(3, 1).line(), "2 free articles left");
    assert_eq!(meter(1, 1).line(), "No free articles left until 23 December");
    assert!(
        front(&paper, &around(Some(&meter(1, 0))), "/").unwrap().contains("1 free article left")
    );
    assert!(!front(&paper, &around(None), "/").unwrap().contains("free article"));
}

#[test]
fn the_front_page_leads_to_every_article_once() {
    let paper = Newspaper::load().unwrap();
    let page = front(&paper, &around(None), "/").unwrap();
    for summary in paper.summaries() {
        let link = format!("href=\"/demo/articles/{}\"", summary.slug);
        assert_eq!(page.matches(&link).count(), 1, "{link}");
    }
}

#[test]
fn a_title_cannot_break_out_of_the_page_or_its_structured_data() {
    let paper = Newspaper::load().unwrap();
    let text = r#"
        title = "</script><b>Tides</b>"
        section = "science"
        author = "A & B"
        published = "2026-11-23"
        standfirst = "x"
        picture = { alt = "\"", caption = "c" }
        blocks = [{ kind = "paragraph", text = "<i>" }]
    "#;
    let hostile = Article::parse("hostile", text).unwrap();
    let page = article(&paper, &hostile, ArticleView::Full, &around(None), ("/", None)).unwrap();
    assert!(!page.contains("<b>") && !page.contains("<i>"));
    assert_eq!(page.matches("</script>").count(), 1);
}

#[test]
fn no_page_needs_what_the_content_security_policy_forbids() {
    let paper = Newspaper::load().unwrap();
    let home_view = HomeView {
        public_url: "http://127.0.0.1:8080".to_owned(),
        bar: Bar::new(crate::clock::Timestamp::UNIX_EPOCH, "/"),
    };
    let pages = [
        front(&paper, &around(None), "/").unwrap(),
        full(&paper),
        walled(&paper, &offer(), None),
        not_found(&paper, &around(None)).unwrap(),
        home(&home_view).unwrap(),
    ];
    for page in pages {
        assert!(!page.contains(" style=") && !page.contains("<style"));
        assert!(page.matches("<script").count() == page.matches("application/ld+json").count());
        assert!(page.contains(r#"<link rel="stylesheet" href="/demo/demo.css">"#));
    }
}
