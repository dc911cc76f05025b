use std::fs;
use std::os::unix::fs::symlink;

use axum::body::to_bytes;
use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    let folder = TempDir::new().expect("folder");
    let month = folder.path().join("reports/default/2031-03");
    fs::create_dir_all(month.join("projects")).expect("folders");
    for name in
        ["report.html", "summary.csv", "projects/P 1.csv", "report.xlsx", "note.txt", ".x.csv"]
    {
        fs::write(month.join(name), name).expect("file");
    }
    fs::write(folder.path().join("secret.csv"), "secret").expect("file");
    symlink(folder.path().join("secret.csv"), month.join("link.csv")).expect("link");
    symlink(folder.path(), folder.path().join("reports/out")).expect("link");
    symlink(month.join("summary.csv"), month.join("inside.csv")).expect("link");
    folder
}

async fn get(folder: &TempDir, path: &str) -> Option<Response> {
    open(&folder.path().join("reports"), path).await.map(Served::into_response)
}

#[tokio::test]
async fn a_page_may_ask_for_nothing_and_other_files_are_downloads() {
    let folder = folder();
    let page = get(&folder, "default/2031-03/report.html").await.expect("served");
    let header = |response: &Response, name: HeaderName| {
        response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    let policy = header(&page, CONTENT_SECURITY_POLICY).expect("policy");
    assert!(policy.starts_with("default-src 'none'; ") && policy.contains("script-src 'sha256-"));
    assert!(policy.contains("style-src 'none'"), "it has no style: {policy}");
    assert_eq!(header(&page, CONTENT_TYPE).expect("type"), "text/html; charset=utf-8");
    assert_eq!(header(&page, CONTENT_DISPOSITION), None);
    let bytes = to_bytes(page.into_body(), 100).await.expect("read");
    assert_eq!(bytes, "report.html");

    let file = get(&folder, "default/2031-03/projects/P 1.csv").await.expect("served");
    let disposition = header(&file, CONTENT_DISPOSITION).expect("a download");
    assert_eq!(disposition, "attachment; filename=\"P_1.csv\"");
    assert_eq!(header(&file, CONTENT_LENGTH).expect("length"), "16");
    assert!(get(&folder, "default/2031-03/inside.csv").await.is_some());
}

#[tokio::test]
async fn no_path_leaves_the_folder_and_no_foreign_file_is_served() {
    let folder = folder();
    for path in [
        "../secret.csv",
        "default/../../secret.csv",
        "default/2031-03/../../../secret.csv",
        "/etc/passwd",
        "//etc/passwd.csv",
        "default//2031-03/summary.csv",
        "default/2031-03/link.csv",
        "out/secret.csv",
        "default/2031-03/.x.csv",
        "default/2031-03/note.txt",
        "default/2031-03",
        "default/2031-03/projects",
        "default/2031-03/missing.csv",
        "..\\secret.csv",
        "default/2031-03/summary.csv\0",
        "",
    ] {
        assert!(get(&folder, path).await.is_none(), "{path}");
    }
}
