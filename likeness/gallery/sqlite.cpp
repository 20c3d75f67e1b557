#include "likeness/gallery/sqlite.h"

#include <cassert>

#include "likeness/core/error.h"

namespace likeness::sqlite {
namespace {

[[noreturn]] void fail_with(int code, const std::string& name, const std::string& detail,
                            const std::string& doing) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::kUnavailable,
                  name + ": locked by another process while " + doing + "; try again when it has finished");
    case SQLITE_FULL:
      throw Error(ErrorCode::kOutputUnwritable,
                  name + ": disk full while " + doing + "; nothing was changed");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw Error(ErrorCode::kOutputUnwritable,
                  name + ": may not be written (" + detail + ") while " + doing);
    case SQLITE_IOERR:
      throw Error(ErrorCode::kOutputUnwritable,
                  name + ": input/output error (" + detail + ") while " + doing + "; nothing was changed");
    case SQLITE_CANTOPEN:
      throw Error(ErrorCode::kOutputUnwritable,
                  name + ": cannot be opened (" + detail + "); is its folder writable?");
    case SQLITE_NOTADB:
      throw Error(ErrorCode::kDataInvalid, name + ": not a gallery (no SQLite database)");
    default:
      throw Error(ErrorCode::kDataInvalid, name + ": damaged (" + detail + ") while " + doing);
  }
}

/// A path as SQLite's "file:" URI.
std::string uri_of(const std::filesystem::path& path) {
  static const char* digits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '?' || c == '#' || c == '%') {
      uri += '%';
      uri += digits[static_cast<unsigned char>(c) >> 4];
      uri += digits[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  return uri;
}

}  // namespace

Database::Database(const std::filesystem::path& path, int flags, const std::string& uri_options)
    : name_(path.string()), handle_(nullptr, sqlite3_close) {
  sqlite3* raw = nullptr;
  const std::string uri = uri_of(path) + uri_options;
  const int code = sqlite3_open_v2(uri.c_str(), &raw, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) fail_with(code, name_, raw ? sqlite3_errmsg(raw) : "no memory", "opening it");
  sqlite3_extended_result_codes(raw, 1);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("preparing it");
}

void Database::fail(const std::string& doing) const {
  fail_with(sqlite3_errcode(handle()), name_, sqlite3_errmsg(handle()), doing);
}

std::unique_ptr<sql::Statement> Database::prepare(const char* sql) {
  return std::make_unique<Statement>(*this, sql);
}

void Database::begin_change() {
  if (sqlite3_exec(handle(), "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
    fail("starting a change");
}

void Database::begin_reading() {
  if (sqlite3_exec(handle(), "BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK) fail("starting to read");
}

void Database::commit() {
  if (sqlite3_exec(handle(), "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) fail("committing a change");
}

void Database::rollback() noexcept { sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr); }

std::int64_t Database::others_commits() {
  Statement row(*this, "PRAGMA data_version");
  return row.step() ? row.integer(0) : 0;
}

const char* Database::insert_face() const {
  return "INSERT INTO face (person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, "
         "landmarks, size_px, sharpness, brightness, yaw, score, added_ms, photo_width, photo_height, "
         "embedding) VALUES "
         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id";
}

void Database::check(std::vector<std::string>& wrong) {
  Statement integrity(*this, "PRAGMA integrity_check");
  while (integrity.step()) {
    if (const std::string line = integrity.text(0); line != "ok") wrong.push_back("file: " + line);
  }
  if (!wrong.empty()) return;
  Statement keys(*this, "PRAGMA foreign_key_check");
  while (keys.step()) {
    wrong.push_back("row " + std::to_string(keys.integer(1)) + " of " + keys.text(0) + " belongs to nobody");
  }
}

Statement::Statement(Database& database, const char* sql)
    : database_(&database), statement_(nullptr, sqlite3_finalize) {
  sqlite3_stmt* raw = nullptr;
  check(sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr),
        "opening it");
  statement_.reset(raw);
}

void Statement::check(int code, const char* doing) const {
  if (code != SQLITE_OK) database_->fail(doing);
}

Statement& Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), index, value), "binding");
  return *this;
}

Statement& Statement::bind(int index, double value) {
  check(sqlite3_bind_double(statement_.get(), index, value), "binding");
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), index, text.data() ? text.data() : "", text.size(),
                            SQLITE_STATIC, SQLITE_UTF8),
        "binding");
  return *this;
}

Statement& Statement::bind(int index, std::span<const std::byte> blob) {
  const void* data = blob.data() ? static_cast<const void*>(blob.data()) : "";
  check(sqlite3_bind_blob64(statement_.get(), index, data, blob.size(), SQLITE_STATIC), "binding");
  return *this;
}

Statement& Statement::bind_list(int index, std::span<const std::int64_t> values) {
  std::string json = "[";
  for (const std::int64_t value : values) json += (json.size() > 1 ? "," : "") + std::to_string(value);
  json += ']';
  check(sqlite3_bind_text64(statement_.get(), index, json.data(), json.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
        "binding");
  return *this;
}

Statement& Statement::bind_null(int index) {
  check(sqlite3_bind_null(statement_.get(), index), "binding");
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_->fail(sqlite3_stmt_readonly(statement_.get()) ? "reading" : "writing");
}

std::int64_t Statement::run() {
  try {
    while (step()) {
    }
  } catch (...) {
    reset();
    throw;
  }
  reset();
  return sqlite3_changes64(database_->handle());
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::span<const std::byte> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const std::byte*>(data), data ? static_cast<std::size_t>(size) : 0};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

}  // namespace likeness::sqlite
