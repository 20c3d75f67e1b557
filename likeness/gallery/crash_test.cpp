#include "likeness/gallery/crash_testing.h"
#include "likeness/gallery/sqlite_store.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 128};

TEST(KilledGallery, KeepsEveryAcknowledgedFace) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("killed_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path path = folder / "g.gallery";
  create_sqlite_gallery(path, kSpace);
  kill_workers([&] { return open_sqlite_gallery(path); }, std::getenv("LIKENESS_LONG") ? 200 : 20);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace likeness
