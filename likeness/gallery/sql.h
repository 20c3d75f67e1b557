#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness::sql {

/// A prepared statement, made once and used again. Values bound must live until the next reset().
class Statement {
 public:
  virtual ~Statement() = default;

  virtual Statement& bind(int index, std::int64_t value) = 0;
  virtual Statement& bind(int index, double value) = 0;
  virtual Statement& bind(int index, std::string_view text) = 0;
  virtual Statement& bind(int index, std::span<const std::byte> blob) = 0;
  /// For "IN (SELECT value FROM json_each(?))".
  virtual Statement& bind_list(int index, std::span<const std::int64_t> values) = 0;
  virtual Statement& bind_null(int index) = 0;
  /// Null where there are no bytes.
  Statement& bind_or_null(int index, std::span<const std::byte> blob) {
    return blob.empty() ? bind_null(index) : bind(index, blob);
  }
  /// Null where it is 0.
  Statement& bind_or_null(int index, std::int64_t number) {
    return number == 0 ? bind_null(index) : bind(index, number);
  }

  /// True while there is a row to read.
  virtual bool step() = 0;
  /// Runs a statement without rows, and resets it. @returns how many rows it changed.
  virtual std::int64_t run() = 0;
  /// Runs an INSERT ... RETURNING id, and resets it. @returns the id.
  std::int64_t run_for_id() {
    try {
      const std::int64_t id = step() ? integer(0) : 0;
      reset();
      return id;
    } catch (...) {
      reset();
      throw;
    }
  }
  virtual void reset() = 0;

  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual double real(int column) const = 0;
  /// Valid until the next step() or reset().
  [[nodiscard]] virtual std::span<const std::byte> blob(int column) const = 0;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] std::string text(int column) const {
    const std::span<const std::byte> bytes = blob(column);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// A connection to a gallery's tables, in a file or at a server. Statements are in SQLite's words; where
/// others are spoken they are translated. Every failure becomes an Error that names the database:
/// kDataInvalid (damaged), kUnavailable (locked, out of reach), kOutputUnwritable (full, read-only).
/// One thread.
class Database {
 public:
  virtual ~Database() = default;

  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Statement> prepare(const char* sql) = 0;
  virtual void execute(const char* sql) = 0;

  /// A change: nobody else changes the gallery from here to commit() or rollback().
  virtual void begin_change() = 0;
  /// What is read up to commit() is of one moment.
  virtual void begin_reading() = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;

  /// Another number after each commit by another connection.
  [[nodiscard]] virtual std::int64_t others_commits() = 0;
  /// Whether names are kept elsewhere, so that new ones belong into the log of changes.
  [[nodiscard]] virtual bool logs_names() const { return false; }
  /// Whoever waits for changes is told when this one is committed.
  virtual void announce() {}

  /// The table of the counters, by key and value.
  [[nodiscard]] virtual const char* counters() const = 0;
  /// Inserts a face and its embedding and returns the id: person_id, photo, photo_hash, the sides of the box,
  /// landmarks, size_px, sharpness, brightness, yaw, score, added_ms, photo_width, photo_height, embedding.
  [[nodiscard]] virtual const char* insert_face() const = 0;
  /// A face's embedding as the table has it, made of what RowValues has.
  [[nodiscard]] virtual std::vector<std::byte> to_column(std::vector<std::byte> embedding) const {
    return embedding;
  }
  /// And back; `buffer` may hold the bytes that come back.
  [[nodiscard]] virtual std::span<const std::byte> from_column(std::span<const std::byte> embedding,
                                                               std::vector<std::byte>& /*buffer*/) const {
    return embedding;
  }
  /// What is wrong with the database itself, a line each.
  virtual void check(std::vector<std::string>& wrong) = 0;
};

/// One text without and one with the columns of photos' sizes, which are "?size" in `sql`: galleries before
/// format 5 have none.
[[nodiscard]] inline std::array<std::string, 2> with_and_without_sizes(const std::string& sql) {
  const std::size_t at = sql.find("?size");
  const std::string rest = sql.substr(at + 5);
  return {sql.substr(0, at) + "NULL, NULL" + rest, sql.substr(0, at) + "photo_width, photo_height" + rest};
}

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
  Statement& operator()(const char* sql) {
    for (const auto& [key, statement] : made_) {
      if (key == sql) return *statement;
    }
    made_.emplace_back(sql, database_->prepare(sql));
    return *made_.back().second;
  }

 private:
  Database* database_;
  std::vector<std::pair<const char*, std::unique_ptr<Statement>>> made_;
};

/// What is read meanwhile is of one moment.
class Snapshot {
 public:
  explicit Snapshot(Database& database) : database_(database) { database_.begin_reading(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() { database_.rollback(); }

 private:
  Database& database_;
};

/// A change; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.begin_change(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (open_) database_.rollback();
  }
  void commit() {
    database_.commit();
    open_ = false;
  }

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace likeness::sql
