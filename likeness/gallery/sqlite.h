#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness::sqlite {

/// A connection. Every failure becomes an Error that names the file: kDataInvalid (damaged, no database),
/// kUnavailable (locked), kOutputUnwritable (full, read-only), else kDataInvalid. One thread.
class Database {
 public:
  /// @param flags SQLITE_OPEN_...; `uri_options` such as "?immutable=1".
  Database(const std::filesystem::path& path, int flags, const std::string& uri_options = {});

  void execute(const char* sql);
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[noreturn]] void fail(const std::string& doing) const;

 private:
  std::string name_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

/// A prepared statement, made once and used again. Values bound must live until the next reset().
class Statement {
 public:
  Statement(Database& database, const char* sql);

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const std::byte> blob);
  Statement& bind_null(int index);

  /// True while there is a row to read.
  bool step();
  /// Runs a statement without rows, and resets it.
  void run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next step() or reset().
  [[nodiscard]] std::span<const std::byte> blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  void check(int code, const char* doing) const;
  Database* database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
};

/// Resets a statement when a scope is left, also by an exception, so that no read transaction stays open.
class Resetting {
 public:
  explicit Resetting(Statement& statement) : statement_(statement) { statement_.reset(); }
  Resetting(const Resetting&) = delete;
  Resetting& operator=(const Resetting&) = delete;
  ~Resetting() { statement_.reset(); }

 private:
  Statement& statement_;
};

/// Statements of a connection, each made when it is first asked for. `sql` is known by its address: literals,
/// or texts that live as long as the program.
class Statements {
 public:
  explicit Statements(Database& database) : database_(&database) {}
  Statement& operator()(const char* sql);

 private:
  Database* database_;
  std::vector<std::pair<const char*, std::unique_ptr<Statement>>> made_;
};

/// A read transaction: what is read meanwhile is of one moment.
class Snapshot {
 public:
  explicit Snapshot(Database& database);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

 private:
  Database& database_;
};

/// BEGIN IMMEDIATE ... COMMIT; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace likeness::sqlite
