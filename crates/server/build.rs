//! Builds the server anew when the dashboard was built anew. Without one its folder is there and
//! empty, and the server says so to whoever asks for it.

fn main() {
    let folder = "../../dashboard/dist";
    // A folder that is missing would be taken for one that has changed, each time.
    let _ = std::fs::create_dir_all(folder);
    println!("cargo::rerun-if-changed={folder}");
}
