#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/sql.h"

namespace likeness::sqlite {

/// A gallery's file. Besides Database's errors: kDataInvalid where it is no database. One thread.
class Database final : public sql::Database {
 public:
  /// @param flags SQLITE_OPEN_...; `uri_options` such as "?immutable=1".
  Database(const std::filesystem::path& path, int flags, const std::string& uri_options = {});

  [[nodiscard]] std::unique_ptr<sql::Statement> prepare(const char* sql) override;
  void execute(const char* sql) override;
  void begin_change() override;
  void begin_reading() override;
  void commit() override;
  void rollback() noexcept override;
  [[nodiscard]] std::int64_t others_commits() override;
  [[nodiscard]] const char* counters() const override { return "meta"; }
  [[nodiscard]] const char* insert_face() const override;
  void check(std::vector<std::string>& wrong) override;

  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[noreturn]] void fail(const std::string& doing) const;

 private:
  std::string name_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

class Statement final : public sql::Statement {
 public:
  Statement(Database& database, const char* sql);

  Statement& bind(int index, std::int64_t value) override;
  Statement& bind(int index, double value) override;
  Statement& bind(int index, std::string_view text) override;
  Statement& bind(int index, std::span<const std::byte> blob) override;
  Statement& bind_list(int index, std::span<const std::int64_t> values) override;
  Statement& bind_null(int index) override;
  bool step() override;
  std::int64_t run() override;
  void reset() override;
  [[nodiscard]] std::int64_t integer(int column) const override;
  [[nodiscard]] double real(int column) const override;
  [[nodiscard]] std::span<const std::byte> blob(int column) const override;
  [[nodiscard]] bool is_null(int column) const override;

 private:
  void check(int code, const char* doing) const;
  Database* database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
};

}  // namespace likeness::sqlite
