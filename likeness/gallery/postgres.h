#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "likeness/gallery/sql.h"

namespace likeness::postgres {

/// Where a gallery is: postgresql://USER@HOST:PORT/DATABASE?gallery=NAME, the rest as libpq has it.
struct Address {
  std::string connection;  ///< For libpq, without the gallery's name; may hold a password.
  std::string schema;  ///< Of its tables: "likeness_" and the gallery's name, which is "people" unless given.
  std::string name;    ///< What errors call it: without user, password and options.
  bool keeps_to_standbys = false;  ///< target_session_attrs forbids a primary, also for changes.
};

/// Whether it is "postgresql://" or "postgres://".
[[nodiscard]] bool is_address(const std::string& uri);
/// @throws Error kDataInvalid for a gallery's name that is not 1 to 40 of a-z, 0-9 and '_', or a URI that
/// libpq does not read.
[[nodiscard]] Address address_of(const std::string& uri);
/// Several lines as one.
[[nodiscard]] std::string one_line(std::string text);

/// A connection to a gallery's schema, which need not be there yet. Values go as binary parameters of
/// prepared statements. A connection that is lost is made anew by whatever asks next outside of a change; a
/// server that cannot be reached is asked again a second later at the earliest, and until then calls fail at
/// once. Where the address leads to a standby, that is read; a change goes to the primary, where the address
/// leads to it too, and what is read after it with it. One thread, but for wait_for_announcement().
class Database final : public sql::Database {
 public:
  /// @throws Error kUnavailable where the server cannot be reached or refuses, in its own words.
  Database(Address address, bool read_only, int lock_timeout_ms);
  ~Database() override;

  [[nodiscard]] const std::string& name() const override { return address_.name; }
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] std::unique_ptr<sql::Statement> prepare(const char* sql) override;
  /// One that is not kept by the server: for what is asked now and then.
  [[nodiscard]] std::unique_ptr<sql::Statement> once(const char* sql);
  void execute(const char* sql) override;
  void begin_change() override;
  void begin_reading() override;
  void commit() override;
  void rollback() noexcept override;
  [[nodiscard]] std::int64_t others_commits() override;
  [[nodiscard]] bool logs_names() const override { return true; }
  void announce() override { announcing_ = true; }
  [[nodiscard]] const char* counters() const override { return "counter"; }
  [[nodiscard]] const char* insert_face() const override { return insert_face_.c_str(); }
  [[nodiscard]] std::vector<std::byte> to_column(std::vector<std::byte> embedding) const override;
  [[nodiscard]] std::span<const std::byte> from_column(std::span<const std::byte> embedding,
                                                       std::vector<std::byte>& buffer) const override;
  void check(std::vector<std::string>& wrong) override;

  /// A transaction without the lock of begin_change(), which needs the gallery's tables.
  void begin();
  /// The type of the column face_embedding.embedding, once the gallery is known: bytea, or pgvector's
  /// halfvec.
  void set_embedding_type(const std::string& type);
  /// A statement with one text as its parameter: the first row's first column as text, empty where there is
  /// none or it is null.
  [[nodiscard]] std::string ask(const char* sql, const std::string& parameter);

  // COPY ... FROM STDIN (FORMAT binary), within a change: the server works on what it has been given while
  // the next is made, and on all of it after finish_copy() until await_copy() has its answer.
  void begin_copy(const char* sql);
  void put_copy(std::span<const std::byte> part);
  void finish_copy();
  void await_copy();
  /// COPY ... TO STDOUT (FORMAT binary). @param stream becomes what CopiedRows reads.
  void copy_out(const std::string& sql, std::vector<std::byte>& stream);
  /// Whether the server is a standby.
  [[nodiscard]] bool at_standby();
  /// Where it is, and may be written, asks for the primary instead. False where there is none to be reached,
  /// or no need.
  bool moved_to_primary() noexcept;
  /// @throws Error kUnavailable: the server is a standby.
  [[noreturn]] void refuse_change() const;
  /// How often the server was another one, or started anew, when a connection was made.
  [[nodiscard]] std::uint64_t servers() const { return servers_; }

  /// Returns when somebody has announced a change, or when the time is over; where announcements cannot be
  /// heard (a standby, a server out of reach) within a second. By a connection of its own; any thread.
  void wait_for_announcement(int timeout_ms);

 private:
  friend class Statement;
  class Connection;
  class Listener;

  Connection& connected();
  void connect(const char* wanted);
  void run(const std::string& sql);

  Address address_;
  bool read_only_;
  int lock_timeout_ms_;
  std::unique_ptr<Connection> connection_;  // null: to be made
  std::unique_ptr<Listener> listener_;
  std::string insert_face_;
  bool in_transaction_ = false;
  bool changing_ = false;
  bool announcing_ = false;
  bool half_ = false;
  bool copying_ = false;
  std::uint64_t connections_ = 0;  // made so far; statements are of one
  std::uint64_t statements_ = 0;
  std::string server_;  // the one last connected to, and when it was started
  std::uint64_t servers_ = 0;
  std::int64_t own_commits_ = 0;
  std::int64_t retry_at_ms_ = 0;  // steady clock
  std::string last_trouble_;      // why it could not be reached
};

}  // namespace likeness::postgres
