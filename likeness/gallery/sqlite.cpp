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

void Statement::run() {
  try {
    while (step()) {
    }
  } catch (...) {
    reset();
    throw;
  }
  reset();
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const std::span<const std::byte> bytes = blob(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const std::byte*>(data), data ? static_cast<std::size_t>(size) : 0};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Statement& Statements::operator()(const char* sql) {
  for (const auto& [key, statement] : made_) {
    if (key == sql) return *statement;
  }
  made_.emplace_back(sql, std::make_unique<Statement>(*database_, sql));
  return *made_.back().second;
}

Snapshot::Snapshot(Database& database) : database_(database) {
  if (sqlite3_exec(database_.handle(), "BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK)
    database_.fail("starting to read");
}

Snapshot::~Snapshot() { sqlite3_exec(database_.handle(), "COMMIT", nullptr, nullptr, nullptr); }

Transaction::Transaction(Database& database) : database_(database) {
  if (sqlite3_exec(database_.handle(), "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) {
    database_.fail("starting a change");
  }
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  if (sqlite3_exec(database_.handle(), "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) {
    database_.fail("committing a change");
  }
  open_ = false;
}

}  // namespace likeness::sqlite
