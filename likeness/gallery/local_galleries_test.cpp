#include <gtest/gtest.h>
#include <unistd.h>

#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

class InMemory final : public TestedGallery {
 public:
  std::unique_ptr<GalleryStore> make(const EmbeddingSpace& space, EmbeddingFormat format) override {
    return make_memory_store(space, format);
  }
  std::unique_ptr<GalleryStore> open(bool /*read_only*/) override { return nullptr; }
};

class InAFile final : public TestedGallery {
 public:
  explicit InAFile(bool sealed) {
    if (sealed) passphrase_ = "secret";
    std::string name = (fs::path(::testing::TempDir()) / "galleryXXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  ~InAFile() override { fs::remove_all(folder_); }
  std::unique_ptr<GalleryStore> make(const EmbeddingSpace& space, EmbeddingFormat format) override {
    for (const auto& entry : fs::directory_iterator(folder_)) fs::remove_all(entry.path());
    create_sqlite_gallery(path(), space, {.format = format, .passphrase = passphrase_});
    return open(false);
  }
  std::unique_ptr<GalleryStore> open(bool read_only) override {
    return open_sqlite_gallery(path(), {.read_only = read_only, .passphrase = passphrase_});
  }
  [[nodiscard]] fs::path folder() const override { return folder_; }

 private:
  [[nodiscard]] fs::path path() const { return folder_ / "people.gallery"; }

  fs::path folder_;
  std::optional<std::string> passphrase_;
};

}  // namespace

std::vector<std::string> tested_kinds() { return {"memory", "sqlite", "sealed"}; }

std::unique_ptr<TestedGallery> tested_gallery(const std::string& kind) {
  if (kind == "memory") return std::make_unique<InMemory>();
  return std::make_unique<InAFile>(is_sealed(kind));
}

}  // namespace likeness
