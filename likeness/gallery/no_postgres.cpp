// In the place of postgres_store.cpp, where the library is built without libpq.
#include "likeness/core/error.h"
#include "likeness/gallery/postgres_store.h"

namespace likeness {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kUnsupported,
              "this build knows no galleries in PostgreSQL: it was made without libpq");
}

}  // namespace

bool is_postgres_uri(const std::string& uri) {
  return uri.starts_with("postgresql://") || uri.starts_with("postgres://");
}

std::unique_ptr<GalleryStore> open_postgres_gallery(const std::string& /*uri*/,
                                                    const OpenOptions& /*options*/) {
  refuse();
}

bool try_create_postgres_gallery(const std::string& /*uri*/, const EmbeddingSpace& /*space*/,
                                 const CreateOptions& /*options*/) {
  refuse();
}

bool postgres_gallery_exists(const std::string& /*uri*/) { refuse(); }

}  // namespace likeness
