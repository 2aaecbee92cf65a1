//! `mail.bulk` with a real mail server, a list with every kind of recipient, and a server that dies in the middle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use fourwire_tests::{
    jobs::{check, download, reaches, submit, upload},
    server::TestServer,
    smtp::SmtpServer,
    wait,
};
use serde_json::{Value, json};

fn mailing(upload: &Value) -> Value {
    json!({ "kind": "mail.bulk", "input": {
        "upload": upload["id"],
        "subject": "Hello {{ name }}",
        "text": "Dear {{ name }}, your number is {{ number }}.",
        "html": "<p>Dear {{ name }}</p>",
        "reply_to": "desk@example.org",
    }})
}

/// The result, by address.
pub(super) async fn books(server: &TestServer, id: u64) -> Vec<[String; 3]> {
    let text = String::from_utf8(download(server, id).await.2).expect("text");
    let cells = |line: &str| {
        let mut cells = line.splitn(3, ',').map(str::to_owned);
        [(); 3].map(|()| cells.next().unwrap_or_default())
    };
    assert_eq!(text.lines().next(), Some("email,outcome,why"), "{text}");
    text.lines().skip(1).map(cells).collect()
}

/// Each of so many people has one letter, if it was sent, and one at most if that is unsure; how many are unsure.
pub(super) fn nobody_twice(books: &[[String; 3]], smtp: &SmtpServer, people: usize) -> usize {
    assert_eq!(books.len(), people);
    let mut letters: BTreeMap<String, usize> = BTreeMap::new();
    for letter in smtp.taken() {
        *letters.entry(letter.to).or_default() += 1;
    }
    assert!(letters.values().all(|count| *count == 1), "{letters:?}");
    let mut addresses = BTreeSet::new();
    let (mut sent, mut unsure) = (0, 0);
    for [address, fate, why] in books {
        addresses.insert(address);
        match fate.as_str() {
            "sent" => {
                assert!(letters.contains_key(address), "{address} was told to be sent");
                sent += 1;
            }
            "unsure" => unsure += 1,
            other => panic!("{address}: {other}, {why}"),
        }
    }
    assert_eq!(addresses.len(), people);
    println!("{sent} sent, {unsure} unsure, {} letters", letters.len());
    unsure
}

fn fates(books: &[[String; 3]]) -> Vec<(&str, &str)> {
    books.iter().map(|[address, fate, _]| (address.as_str(), fate.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recipient_gets_a_letter_or_a_reason() {
    let smtp = SmtpServer::start();
    let args =
        ["--smtp-url", &smtp.url(), "--mail-from", "News <news@example.org>", "--mail-per-second", "500"];
    let mut server = TestServer::with().args(args).start().await;
    let suppressed = server.at("/v1/mail/suppressed/Never@Example.org");
    let http = reqwest::Client::new();
    let put =
        http.put(&suppressed).json(&json!({ "why": "she asked us to" })).send().await.expect("an answer");
    assert_eq!(put.status(), 201);
    let list = "name;email;number\n\
        Ada;ada@example.org;1\n\
        Bob <b>;BOB@example.org;2\n\
        Ada again;Ada@Example.org;3\n\
        Nemo;nobody@example.org;4\n\
        Never;never@example.org;5\n\
        Odd;no address;6\n\
        Busy;busy@example.org;7\n\
        Blocked;blocked@example.org;8\n\
        Gone;gone@example.org;9\n\
        Short;short@example.org\n\
        Zoë;zoe@example.org;11\n";
    let list = upload(&server, "list.csv", list.to_owned()).await;
    let id = submit(&server, &mailing(&list)).await;
    let job = reaches(&server, id, "completed").await;
    assert_eq!((&job["progress"]["done"], &job["attempt"]), (&json!(11), &json!(1)), "{job}");
    let told = books(&server, id).await;
    assert_eq!(
        fates(&told),
        [
            ("ada@example.org", "sent"),
            ("bob@example.org", "sent"),
            ("ada@example.org", "duplicate"),
            ("nobody@example.org", "refused"),
            ("never@example.org", "suppressed"),
            ("no address", "malformed"),
            ("busy@example.org", "sent"),
            ("blocked@example.org", "refused"),
            ("gone@example.org", "unsure"),
            ("short@example.org", "malformed"),
            ("zoe@example.org", "sent"),
        ]
    );
    assert!(told[3][2].contains("nobody of that name") && told[4][2] == "she asked us to", "{told:?}");
    assert!(told[9][2].contains("line 11") && told[9][2].contains("undefined"), "{told:?}");

    let letters = smtp.taken();
    let to: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(
        to,
        ["ada@example.org", "BOB@example.org", "busy@example.org", "gone@example.org", "zoe@example.org"]
    );
    let bob = &letters[1];
    assert_eq!(bob.from, "news@example.org");
    let head = format!("Message-ID: <fourwire.{id}.1@example.org>");
    for part in
        ["From: News <news@example.org>", "Reply-To: desk@example.org", "Subject: Hello Bob <b>", &head]
    {
        assert!(bob.text.contains(part), "{part}:\n{}", bob.text);
    }
    assert!(bob.text.contains("your number is 2.") && bob.text.contains("Bob &lt;b&gt;"), "{}", bob.text);

    // An address that does not exist is asked for once; the other refusal was about the sender.
    let page = server.get("/v1/mail/suppressed").await;
    let known = page["suppressed"].as_array().expect("a page");
    let known: Vec<&str> = known.iter().filter_map(|one| one["address"].as_str()).collect();
    assert_eq!(known, ["never@example.org", "nobody@example.org"]);
    assert_eq!(http.delete(&suppressed).send().await.expect("an answer").status(), 204);
    assert_eq!(http.delete(&suppressed).send().await.expect("an answer").status(), 404);
    let bad = http.put(server.at("/v1/mail/suppressed/nonsense")).json(&json!({})).send().await;
    let bad: Value = bad.expect("an answer").json().await.expect("a problem");
    assert_eq!((&bad["code"], &bad["field"]), (&json!("bad_field"), &json!("address")));

    // What cannot be sent is refused before anybody gets anything.
    for (field, value) in [("text", "{{ a"), ("subject", ""), ("reply_to", "x"), ("upload", "0")] {
        let mut spec = mailing(&list);
        spec["input"][field] = json!(value);
        let told = server.post("/v1/jobs", &spec).await;
        assert_eq!(told["field"], format!("input.{field}"), "{told}");
    }
    let other = upload(&server, "list.csv", "name\nAda\n".to_owned()).await;
    let id = submit(&server, &mailing(&other)).await;
    let job = reaches(&server, id, "discarded").await;
    assert_eq!(job["error"], "the list has no column email");
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

/// A hundred recipients, a mail server that thinks, and `kill -9` again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_a_letter_twice_whatever_dies() {
    const PEOPLE: usize = 100;
    let smtp = SmtpServer::start();
    smtp.think(Duration::from_millis(25));
    let args = ["--smtp-url", &smtp.url(), "--mail-per-second", "1000"];
    let mut server = TestServer::with().args(args).start().await;
    let mut list = "email,name,number\n".to_owned();
    for number in 0..PEOPLE {
        list += &format!("p{number}@example.org,P,{number}\n");
    }
    let list = upload(&server, "list.csv", list).await;
    let id = submit(&server, &mailing(&list)).await;
    for life in 1..=4 {
        let due = life * 15;
        wait::until("some more letters", async || (smtp.taken().len() >= due).then_some(())).await;
        server.kill().await;
        server.start_again().await;
    }
    reaches(&server, id, "completed").await;
    let unsure = nobody_twice(&books(&server, id).await, &smtp, PEOPLE);
    assert!(unsure <= 4, "at most one a death: {unsure}");
    assert!(server.terminate().await.success());
    assert_eq!(check(&server).await.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_letters_are_files_and_one_that_is_away_is_waited_for() {
    let mut server = TestServer::start().await;
    let list =
        upload(&server, "list.csv", "email,name,number\na@example.org,A,1\nb@example.org,B,2\n".to_owned())
            .await;
    let id = submit(&server, &mailing(&list)).await;
    reaches(&server, id, "completed").await;
    let letters: BTreeSet<String> = fs::read_dir(server.data().join("mail/new"))
        .expect("a Maildir")
        .map(|entry| fs::read_to_string(entry.expect("a letter").path()).expect("text"))
        .map(|text| text.lines().find_map(|line| line.strip_prefix("To: ")).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(letters, ["a@example.org", "b@example.org"].map(str::to_owned).into());
    let lines = server.get(&format!("/v1/poll?topics=job.{id}.log&after=earliest")).await;
    assert!(lines.to_string().contains("letters go to the Maildir"), "{lines}");
    assert!(server.terminate().await.success());

    let nowhere = ["--smtp-url", "smtp://127.0.0.1:1"];
    let server = TestServer::with().args(nowhere).start().await;
    let list = upload(&server, "list.csv", "email,name,number\na@example.org,A,1\n".to_owned()).await;
    let id = submit(&server, &mailing(&list)).await;
    let job = reaches(&server, id, "retryable").await;
    assert!(job["error"].to_string().contains("the mail server cannot be reached"), "{job}");
}
