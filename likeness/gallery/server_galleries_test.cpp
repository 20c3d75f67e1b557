#include <gtest/gtest.h>

#include <atomic>

#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/postgres_store.h"
#include "likeness/gallery/tested_gallery.h"

namespace likeness {
namespace {

class AtAServer final : public TestedGallery {
 public:
  AtAServer(PostgresServer& server, bool halves, bool sealed) : server_(server), halves_(halves) {
    static bool made[2] = {false, false};  // a database for all: each gallery is a schema
    if (!std::exchange(made[halves ? 1 : 0], true)) server.execute("postgres", "CREATE DATABASE galleries");
    if (sealed) passphrase_ = "secret";
  }
  ~AtAServer() override { drop(); }
  std::unique_ptr<GalleryStore> make(const EmbeddingSpace& space, EmbeddingFormat format) override {
    drop();
    static int count = 0;
    gallery_ = "test_" + std::to_string(++count);
    EXPECT_TRUE(try_create_postgres_gallery(uri(), space, {.format = format, .passphrase = passphrase_}));
    return open(false);
  }
  std::unique_ptr<GalleryStore> open(bool read_only) override {
    return open_postgres_gallery(uri(), {.read_only = read_only, .passphrase = passphrase_});
  }
  [[nodiscard]] float rounding() const override { return halves_ ? 5.5e-4F : 0; }  // 2^-11 and the new length

 private:
  [[nodiscard]] std::string uri() const { return server_.uri("galleries") + "?gallery=" + gallery_; }
  void drop() const {
    if (!gallery_.empty()) server_.execute("galleries", "DROP SCHEMA likeness_" + gallery_ + " CASCADE");
  }

  PostgresServer& server_;
  bool halves_;
  std::string gallery_;
  std::optional<std::string> passphrase_;
};

}  // namespace

std::vector<std::string> tested_kinds() { return {"postgres", "sealed", "pgvector"}; }

std::unique_ptr<TestedGallery> tested_gallery(const std::string& kind) {
  const bool halves = kind == "pgvector";
  PostgresServer* server = halves ? vector_server() : plain_server();
  return server ? std::make_unique<AtAServer>(*server, halves, is_sealed(kind)) : nullptr;
}

}  // namespace likeness
