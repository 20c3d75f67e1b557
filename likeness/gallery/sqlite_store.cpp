#include "likeness/gallery/sqlite_store.h"

#include "likeness/gallery/sql_store.h"
#include "likeness/gallery/sqlite_format.h"
#include "likeness/gallery/sqlite_upkeep.h"

namespace likeness {
namespace {

class SqliteStore final : public SqlStore {
 public:
  SqliteStore(GalleryFile file, const OpenOptions& options)
      : SqlStore(std::move(file.database), file.format, options) {}

  void backup_to(const std::filesystem::path& path) const override {
    backup_gallery_file(name(), path, options_.lock_timeout_ms);
  }
  void restore_from(const std::filesystem::path& copy) override {
    restore_gallery_file(name(), copy, options_);
    forget_names();
  }
  void purge() override { purge_gallery_file(name(), options_); }
};

}  // namespace

std::unique_ptr<GalleryStore> open_sqlite_gallery(const std::filesystem::path& path,
                                                  const OpenOptions& options) {
  return std::make_unique<SqliteStore>(open_gallery_file(path, options), options);
}

}  // namespace likeness
