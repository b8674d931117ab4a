//! `mailproof list`: what there is to run.

use std::io::Write;

use mailproof_scenarios::{library::Library, model::Case};

use crate::{
    cli::{
        Failure,
        args::{ListArgs, ListFormat},
        find_profile, library, select, terminal_width,
    },
    edition,
    exit::Exit,
    report::text,
    runner::needs_lab,
};

pub(crate) fn execute(args: &ListArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&args.select.scenarios)?;
    if args.edition {
        let edition = edition::edition(&library, selected(&library, args)?);
        let told = match args.format {
            ListFormat::Human => format!(
                "{}, {}, SHA256:{}\n",
                text::line(&edition.name),
                text::count(edition.cases, "case"),
                edition.sha256
            ),
            ListFormat::Json => json(&[edition])?,
        };
        stdout.write_all(told.as_bytes())?;
        stdout.flush()?;
        return Ok(Exit::AsExpected);
    }
    let listing = match (Wanted::of(args), args.format) {
        (Wanted::Profiles, ListFormat::Human) => profile_table(&profiles(&library)?),
        (Wanted::Profiles, ListFormat::Json) => json(&profiles(&library)?)?,
        (Wanted::Personas, ListFormat::Human) => personas(&library),
        (Wanted::Personas, ListFormat::Json) => {
            json(&library.personas().values().collect::<Vec<_>>())?
        }
        (Wanted::Cases, ListFormat::Human) => cases(&selected(&library, args)?, terminal_width()),
        (Wanted::Cases, ListFormat::Json) => json(&selected(&library, args)?)?,
    };
    stdout.write_all(listing.as_bytes())?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// What is listed.
enum Wanted {
    Cases,
    Personas,
    Profiles,
}

impl Wanted {
    fn of(args: &ListArgs) -> Self {
        match (args.personas, args.profiles) {
            (true, _) => Wanted::Personas,
            (_, true) => Wanted::Profiles,
            _ => Wanted::Cases,
        }
    }
}

fn selected<'a>(library: &'a Library, args: &ListArgs) -> Result<Vec<&'a Case>, Failure> {
    let cases = match &args.profile {
        Some(name) => find_profile(name)?.cases(library.cases())?,
        None => library.cases().collect(),
    };
    Ok(select(cases, &args.select)?.cases)
}

/// A profile in a list.
#[derive(serde::Serialize)]
struct Row {
    name: String,
    title: String,
    as_of: String,
    purpose: String,
    /// How many cases it names.
    cases: usize,
    /// How many of these only the lab shows.
    lab: usize,
}

fn profiles(library: &Library) -> Result<Vec<Row>, Failure> {
    let rows = crate::profile::all()?.into_iter().map(|profile| {
        let cases = profile.cases(library.cases())?;
        Ok(Row {
            cases: cases.len(),
            lab: cases.iter().filter(|it| needs_lab(it)).count(),
            name: profile.name,
            title: profile.title,
            as_of: profile.as_of,
            purpose: profile.purpose,
        })
    });
    rows.collect()
}

fn profile_table(profiles: &[Row]) -> String {
    let rows = profiles.iter().map(|it| {
        [
            it.name.clone(),
            it.cases.to_string(),
            it.lab.to_string(),
            it.as_of.clone(),
            it.title.clone(),
        ]
    });
    let head = ["NAME", "CASES", "LAB ONLY", "AS OF", "TITLE"].map(str::to_owned);
    table(
        &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
        4,
        None,
    )
}

/// A table. On a terminal titles are cut so that each case has one line; elsewhere they are whole.
fn cases(cases: &[&Case], width: Option<usize>) -> String {
    let rows = cases.iter().map(|case| {
        let needs: Vec<&str> = case.needs.iter().map(|it| it.name()).collect();
        [
            text::line(&case.id),
            case.kind.name().to_owned(),
            case.severity.name().to_owned(),
            text::line(&case.title),
            needs.join(","),
        ]
    });
    let head = ["ID", "KIND", "SEVERITY", "TITLE", "NEEDS"].map(str::to_owned);
    table(
        &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
        3,
        width,
    )
}

fn personas(library: &Library) -> String {
    let rows = library.personas().values().map(|persona| {
        let speaks = [
            ("smtp", persona.smtp.is_some()),
            ("imap", persona.imap.is_some()),
        ];
        let speaks: Vec<&str> = speaks.iter().filter(|it| it.1).map(|it| it.0).collect();
        [
            text::line(&persona.name),
            speaks.join(","),
            text::line(&persona.as_of),
            text::line(&persona.title),
        ]
    });
    let head = ["NAME", "SPEAKS", "AS OF", "TITLE"].map(str::to_owned);
    table(
        &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
        3,
        None,
    )
}

/// Columns two blanks apart; the column `cut` gives way where a line would be longer than `width`.
fn table<const N: usize>(rows: &[[String; N]], cut: usize, width: Option<usize>) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            widths[column] = widths[column].max(cell.chars().count());
        }
    }
    if let Some(width) = width {
        let total = widths.iter().sum::<usize>() + 2 * (N - 1);
        widths[cut] = widths[cut]
            .saturating_sub(total.saturating_sub(width))
            .max(12);
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let cell = text::cut(cell, width);
            line.push_str(&format!("{cell:width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn json<T: serde::Serialize>(values: &[T]) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(values)
        .map_err(|error| Failure::environment(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 3]> {
        [
            ["ID", "TITLE", "NEEDS"],
            ["a/b", "A title that is rather long", "ports"],
            ["a/bcd", "Short", ""],
        ]
        .map(|row| row.map(str::to_owned))
        .to_vec()
    }

    #[test]
    fn columns() {
        assert_eq!(
            table(&rows(), 1, None),
            "ID     TITLE                        NEEDS\n\
             a/b    A title that is rather long  ports\n\
             a/bcd  Short\n"
        );
        assert_eq!(
            table(&rows(), 1, Some(30)),
            "ID     TITLE             NEEDS\n\
             a/b    A title that is…  ports\n\
             a/bcd  Short\n"
        );
    }

    #[test]
    fn every_case_has_a_line_and_json_reads_back() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let all: Vec<&Case> = library.cases().collect();
        assert_eq!(cases(&all, None).lines().count(), all.len() + 1);
        let read: Vec<Case> = serde_json::from_str(&json(&all).unwrap()).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), all);
    }
}
