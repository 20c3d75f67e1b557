#include "likeness/gallery/open.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/postgres_store.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/sqlite_upkeep.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// The path of a "file:" URI (RFC 8089), its escapes undone.
fs::path path_of_uri(const std::string& uri) {
  const auto fail = [&](const char* what) { throw Error(ErrorCode::kDataInvalid, uri + ": " + what); };
  std::string_view rest = std::string_view(uri).substr(5);
  if (rest.starts_with("//")) {
    const std::size_t slash = rest.find('/', 2);
    const std::string_view host = rest.substr(2, slash == std::string_view::npos ? slash : slash - 2);
    if (!host.empty() && host != "localhost") fail("a file of another host");
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != '%') {
      path += rest[i];
      continue;
    }
    const auto digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    if (i + 2 >= rest.size() || !digit(rest[i + 1]) || !digit(rest[i + 2])) fail("a damaged escape");
    path += static_cast<char>(std::stoi(std::string(rest.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  if (path.empty() || path.find('\0') != std::string::npos) fail("no path");
  return path;
}

fs::path path_of(const std::string& uri) {
  if (uri.starts_with("file:")) return path_of_uri(uri);
  const std::size_t end = uri.find("://");
  const auto of_scheme = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  };
  const bool scheme = end != std::string::npos && end > 0 &&
                      std::isalpha(static_cast<unsigned char>(uri[0])) != 0 &&
                      std::all_of(uri.begin(), uri.begin() + static_cast<std::ptrdiff_t>(end), of_scheme);
  if (scheme) {  // not the rest of it: that may hold a password
    throw Error(ErrorCode::kUnsupported,
                "galleries of the kind " + uri.substr(0, end) +
                    ":// are not known; a path, a file: URI or a postgresql:// URI is");
  }
  return uri;
}

Gallery opened(const std::string& uri, GalleryOptions options) {
  const OpenOptions open{.read_only = options.read_only,
                         .may_be_read_only = options.may_be_read_only,
                         .lock_timeout_ms = options.lock_timeout_ms,
                         .passphrase = options.passphrase,
                         .notice = options.notice};
  if (at_server(uri)) {
    auto store = open_postgres_gallery(uri, open);
    if (!options.index_file)
      options.index_file = index_path_in(options.index_folder, store->identity(), options.shard);
    return Gallery(std::move(store), std::move(options));
  }
  const fs::path path = path_of(uri);
  auto store = open_sqlite_gallery(path, open);
  if (!options.index_file) options.index_file = index_path(path);
  return Gallery(std::move(store), std::move(options));
}

bool try_create(const std::string& uri, const EmbeddingSpace& space, const CreateOptions& create) {
  return at_server(uri) ? try_create_postgres_gallery(uri, space, create)
                        : try_create_sqlite_gallery(path_of(uri), space, create);
}

/// The path of a gallery that is a file.
fs::path file_of(const std::string& uri) {
  if (!at_server(uri)) return path_of(uri);
  throw Error(ErrorCode::kUnsupported,
              "a database is backed up and restored by its own means (pg_dump, pg_basebackup), or copied");
}

GalleryOptions for_new(GalleryOptions options, const CreateOptions& create) {
  options.read_only = false;
  options.passphrase = create.passphrase;
  return options;
}

}  // namespace

bool at_server(const std::string& uri) { return is_postgres_uri(uri); }

bool gallery_exists(const std::string& uri) {
  if (at_server(uri)) return postgres_gallery_exists(uri);
  std::error_code ignored;
  return fs::exists(path_of(uri), ignored);
}

Gallery open_gallery(const std::string& uri, const GalleryOptions& options) { return opened(uri, options); }

void backup_gallery(const std::string& uri, const fs::path& copy, int lock_timeout_ms) {
  backup_gallery_file(file_of(uri), copy, lock_timeout_ms);
}

void restore_gallery(const std::string& uri, const fs::path& copy, int lock_timeout_ms) {
  restore_gallery_file(file_of(uri), copy, {.lock_timeout_ms = lock_timeout_ms, .passphrase = {}});
}

Gallery create_gallery(const std::string& uri, const EmbeddingSpace& space, const CreateOptions& create,
                       const GalleryOptions& options) {
  if (!try_create(uri, space, create))
    throw Error(
        ErrorCode::kOutputUnwritable,
        (at_server(uri) ? "the gallery in the database" : path_of(uri).string()) + ": exists already");
  return opened(uri, for_new(options, create));
}

Gallery open_or_create_gallery(const std::string& uri, const EmbeddingSpace& space,
                               const CreateOptions& create, const GalleryOptions& options) {
  const bool made = !gallery_exists(uri) && try_create(uri, space, create);
  Gallery gallery = opened(uri, made ? for_new(options, create) : options);
  require_same_space(gallery.store().space(), gallery.store().name(), space, "the model");
  return gallery;
}

}  // namespace likeness
