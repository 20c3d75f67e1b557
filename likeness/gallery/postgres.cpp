#include "likeness/gallery/postgres.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/gallery/no_rights.h"

namespace likeness::postgres {
namespace {

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

constexpr Oid kInt8 = 20;
constexpr Oid kFloat8 = 701;
constexpr Oid kInt8Array = 1016;

/// How long a change may be at a standby before it is looked for.
constexpr int kLookAtStandbyMs = 250;

/// A standby may be the primary a moment later: that is a matter of time, as a server out of reach is.
[[noreturn]] void refuse_at_standby(const std::string& name) {
  throw Error(ErrorCode::kUnavailable,
              name + ": the server is a standby, which is read only: changes go to the primary");
}

/// By the server's SQLSTATE.
[[noreturn]] void fail(const std::string& name, const std::string& state, const std::string& message,
                       bool standby = false) {
  const auto is = [&](const char* start) { return state.starts_with(start); };
  if (is("55P03") || is("40") || is("57014")) {
    throw Error(ErrorCode::kUnavailable,
                name + ": locked by somebody else (" + message + "); try again when that has finished");
  }
  if (is("08") || is("57P") || is("53300") || state.empty())
    throw Error(ErrorCode::kUnavailable, name + ": cannot be reached (" + message + ")");
  if (is("53"))
    throw Error(ErrorCode::kOutputUnwritable,
                name + ": the server is out of space (" + message + "); nothing was changed");
  if (is("25006") && standby) refuse_at_standby(name);
  if (is("25006")) throw Error(ErrorCode::kOutputUnwritable, name + ": may not be written (" + message + ")");
  if (is("42501")) throw NoRights(name + ": the role's rights forbid this (" + message + ")");
  if (is("58")) throw Error(ErrorCode::kOutputUnwritable, name + ": input/output error (" + message + ")");
  throw Error(ErrorCode::kDataInvalid, name + ": damaged (" + message + ")");
}

/// SQLite's words to PostgreSQL's: parameters have numbers, many values are an array, no index is told which
/// to use, faces' embeddings lie in a table of their own, and integers are.
std::string translated(std::string sql) {
  const auto replace = [&](std::string_view from, std::string_view to) {
    for (std::size_t at = sql.find(from); at != std::string::npos; at = sql.find(from, at + to.size()))
      sql.replace(at, from.size(), to);
  };
  replace("IN (SELECT value FROM json_each(?))", "= ANY(?)");
  replace("INDEXED BY face_by_person ", "");
  replace("INDEXED BY face_by_person", "");
  replace("embedding FROM face ", "embedding FROM face JOIN face_embedding ON face_id = id ");
  replace(" AND typeof(value) = 'integer'", "");
  std::string numbered;
  int next = 1;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] != '?') {
      numbered += sql[i];
    } else if (i + 1 < sql.size() && sql[i + 1] >= '1' && sql[i + 1] <= '9') {
      numbered += '$';
    } else {
      numbered += '$' + std::to_string(next++);
    }
  }
  return numbered;
}

template <typename Number>
Number big_endian(const char* bytes) {
  std::array<char, sizeof(Number)> turned{};
  std::reverse_copy(bytes, bytes + sizeof(Number), turned.begin());
  return std::bit_cast<Number>(turned);
}

template <typename Number>
std::array<char, sizeof(Number)> to_big_endian(Number number) {
  auto bytes = std::bit_cast<std::array<char, sizeof(Number)>>(number);
  std::ranges::reverse(bytes);
  return bytes;
}

}  // namespace

// ---- connection ----

/// Open, or gone: then `lost` is true and every call fails.
class Database::Connection {
 public:
  /// `wanted`: libpq's target_session_attrs, where not the address shall say. @throws Error kUnavailable.
  Connection(const Address& address, const std::string& setup, const char* wanted = nullptr)
      : name_(address.name), handle_(nullptr, PQfinish) {
    // What comes before the address is overruled by it.
    const std::array keys{"connect_timeout",
                          "tcp_user_timeout",
                          "keepalives_idle",
                          "dbname",
                          "application_name",
                          "client_encoding",
                          wanted ? "target_session_attrs" : nullptr,
                          static_cast<const char*>(nullptr)};
    const std::array values{"5",        "10000", "10",   address.connection.c_str(),
                            "likeness", "UTF8",  wanted, static_cast<const char*>(nullptr)};
    handle_.reset(PQconnectdbParams(keys.data(), values.data(), 1));
    if (!handle_) throw std::bad_alloc();
    if (PQstatus(handle_.get()) != CONNECTION_OK) fail(name_, "", one_line(PQerrorMessage(handle_.get())));
    // By default libpq prints what the server has to say.
    PQsetNoticeReceiver(
        handle_.get(), [](void*, const PGresult*) {}, nullptr);
    if (!setup.empty()) run(setup);
  }

  [[nodiscard]] PGconn* handle() const { return handle_.get(); }
  [[nodiscard]] bool lost() const { return PQstatus(handle_.get()) != CONNECTION_OK; }
  /// @throws Error unless it is of the expected kind.
  Result checked(PGresult* raw, ExecStatusType expected) const {
    Result result(raw, PQclear);
    if (PQresultStatus(raw) == expected) return result;
    const char* state = raw ? PQresultErrorField(raw, PG_DIAG_SQLSTATE) : nullptr;
    const char* said = raw ? PQresultErrorField(raw, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    if (lost()) fail(name_, "", said ? said : one_line(PQerrorMessage(handle_.get())));
    const char* standby = PQparameterStatus(handle_.get(), "in_hot_standby");
    fail(name_, state ? state : "XX000", said ? said : one_line(PQerrorMessage(handle_.get())),
         standby && std::string_view(standby) == "on");
  }
  /// The first value of a query's first row.
  [[nodiscard]] std::string value(const char* sql) const {
    const Result result = checked(PQexec(handle_.get(), sql), PGRES_TUPLES_OK);
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }
  [[nodiscard]] bool at_standby() const { return value("SELECT pg_is_in_recovery()") == "t"; }
  /// Statements without parameters and rows.
  std::string run(const std::string& sql) const {
    Result result(PQexec(handle_.get(), sql.c_str()), PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) result = checked(result.release(), PGRES_COMMAND_OK);
    return PQcmdStatus(result.get());
  }

 private:
  const std::string& name_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

/// Hears of changes.
class Database::Listener {
 public:
  explicit Listener(const Address& address) : address_(address) {}

  void wait(int timeout_ms) {
    const std::lock_guard lock(mutex_);
    const std::int64_t end = steady_ms() + timeout_ms;
    try {
      if (!connection_ || connection_->lost()) {
        connection_.reset();
        listening_ = false;
        connection_.emplace(address_, "");
      }
      if (!listening_ && connection_->at_standby()) {  // which hears of nothing; it may be promoted
        std::this_thread::sleep_for(std::chrono::milliseconds(std::min(timeout_ms, kLookAtStandbyMs)));
        return;
      }
      if (!listening_) {
        connection_->run("LISTEN " + address_.schema);
        listening_ = true;
        return;  // what was announced before is to be looked for
      }
      while (steady_ms() < end) {
        bool heard = PQconsumeInput(connection_->handle()) == 0;  // 0: lost
        while (PGnotify* notice = PQnotifies(connection_->handle())) {
          PQfreemem(notice);
          heard = true;
        }
        if (heard || connection_->lost()) return;
        pollfd socket{PQsocket(connection_->handle()), POLLIN, 0};
        if (socket.fd < 0) return;
        ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(end - steady_ms(), 0)));
      }
    } catch (const Error&) {
      connection_.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(timeout_ms, 1000)));
    }
  }

 private:
  const Address& address_;
  std::mutex mutex_;
  std::optional<Connection> connection_;
  bool listening_ = false;
};

Database::Database(Address address, bool read_only, int lock_timeout_ms)
    : address_(std::move(address)),
      read_only_(read_only),
      lock_timeout_ms_(lock_timeout_ms),
      listener_(std::make_unique<Listener>(address_)) {
  connected();
}

Database::~Database() = default;

void Database::wait_for_announcement(int timeout_ms) { listener_->wait(timeout_ms); }

/// The connection, made anew where it was lost.
Database::Connection& Database::connected() {
  if (connection_ && !connection_->lost()) return *connection_;
  connection_.reset();
  if (in_transaction_)
    throw Error(ErrorCode::kUnavailable, name() + ": cannot be reached (the connection was lost)");
  if (steady_ms() < retry_at_ms_) throw Error(ErrorCode::kUnavailable, last_trouble_);
  try {
    connect(nullptr);
  } catch (const Error& error) {
    last_trouble_ = error.what();
    retry_at_ms_ = steady_ms() + 1000;
    throw;
  }
  return *connection_;
}

void Database::connect(const char* wanted) {
  auto made = std::make_unique<Connection>(
      address_,
      "SET search_path = " + address_.schema + "; SET lock_timeout = " + std::to_string(lock_timeout_ms_) +
          "; SET default_transaction_read_only = " + (read_only_ ? "on" : "off") +
          // What has been acknowledged is on the disk, whatever the server's default.
          "; SELECT set_config('synchronous_commit', 'on', false) WHERE "
          "current_setting('synchronous_commit') = 'off'",
      wanted);
  // By the microsecond: no two servers of one gallery were started in the same.
  const std::string server = made->value("SELECT extract(epoch FROM pg_postmaster_start_time())");
  if (std::exchange(server_, server) != server) ++servers_;
  ++connections_;
  connection_ = std::move(made);
}

bool Database::at_standby() {
  return ask("SELECT CAST(pg_is_in_recovery() AS text) WHERE ? = ''", "") == "true";
}

bool Database::moved_to_primary() noexcept {
  try {
    if (read_only_ || address_.keeps_to_standbys || in_transaction_ || !connected().at_standby())
      return false;
    connect("primary");
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void Database::refuse_change() const { refuse_at_standby(name()); }

/// Where the connection turns out to be lost, and nothing has begun, once more.
void Database::run(const std::string& sql) {
  try {
    connected().run(sql);
  } catch (const Error&) {
    if (in_transaction_ || !connection_ || !connection_->lost()) throw;
    connected().run(sql);
  }
}

void Database::execute(const char* sql) { run(sql); }

void Database::begin() {
  run("BEGIN ISOLATION LEVEL READ COMMITTED");
  in_transaction_ = true;
}

void Database::begin_change() {
  announcing_ = false;
  // The row's lock makes writers wait for each other up to the commit: versions, and ids of faces drawn after
  // it, commit in order.
  try {
    run("BEGIN ISOLATION LEVEL READ COMMITTED; UPDATE counter SET value = value + 1 WHERE key = 'commits'");
  } catch (...) {
    rollback();
    if (!moved_to_primary()) throw;
    begin_change();
    return;
  }
  in_transaction_ = changing_ = true;
}

void Database::begin_reading() {
  run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  in_transaction_ = true;
}

void Database::commit() {
  const std::string tag =
      connected().run(announcing_ ? "NOTIFY " + address_.schema + "; COMMIT" : std::string("COMMIT"));
  in_transaction_ = false;
  if (tag != "COMMIT")
    throw Error(ErrorCode::kUnavailable, name() + ": the change was taken back by the server; try again");
  own_commits_ += changing_ ? 1 : 0;
  changing_ = announcing_ = false;
}

void Database::rollback() noexcept {
  if (connection_ && !connection_->lost()) {
    PQclear(PQexec(connection_->handle(), "ROLLBACK"));
  }
  in_transaction_ = changing_ = announcing_ = false;
}

// ---- statements ----

class Statement final : public sql::Statement {
 public:
  /// With an empty name: of several such the server knows the last one.
  Statement(Database& database, const char* sql, std::string name)
      : database_(database), sql_(translated(sql)), name_(std::move(name)), result_(nullptr, PQclear) {}

  Statement& bind(int index, std::int64_t value) override { return own(index, kInt8, to_big_endian(value)); }
  Statement& bind(int index, double value) override { return own(index, kFloat8, to_big_endian(value)); }
  Statement& bind(int index, std::string_view text) override {
    return bind(index, std::as_bytes(std::span(text)));
  }
  Statement& bind(int index, std::span<const std::byte> blob) override {
    Parameter& parameter = at(index);
    parameter.value = blob.empty() ? "" : reinterpret_cast<const char*>(blob.data());
    parameter.size = static_cast<int>(blob.size());
    return *this;
  }
  Statement& bind_list(int index, std::span<const std::int64_t> values) override {
    Parameter& parameter = at(index);
    parameter.own = "{";
    for (const std::int64_t value : values)
      parameter.own += (parameter.own.size() > 1 ? "," : "") + std::to_string(value);
    parameter.own += '}';
    parameter.type = kInt8Array;
    parameter.format = 0;
    parameter.value = parameter.own.c_str();
    return *this;
  }
  Statement& bind_null(int index) override {
    at(index).value = nullptr;
    return *this;
  }

  bool step() override {
    if (!result_) execute();
    return ++row_ < PQntuples(result_.get());
  }
  std::int64_t run() override {
    reset();
    execute();
    const std::string changed = PQcmdTuples(result_.get());
    reset();
    return changed.empty() ? 0 : std::stoll(changed);
  }
  void reset() override {
    result_.reset();
    row_ = -1;
  }

  [[nodiscard]] std::int64_t integer(int column) const override {
    const char* value = PQgetvalue(result_.get(), row_, column);
    switch (PQgetlength(result_.get(), row_, column)) {
      case 1:
        return *value;
      case 4:
        return big_endian<std::int32_t>(value);
      case 8:
        return big_endian<std::int64_t>(value);
      default:
        return 0;  // null
    }
  }
  [[nodiscard]] double real(int column) const override {
    const char* value = PQgetvalue(result_.get(), row_, column);
    switch (PQgetlength(result_.get(), row_, column)) {
      case 4:
        return static_cast<double>(big_endian<float>(value));
      case 8:
        return big_endian<double>(value);
      default:
        return 0;
    }
  }
  [[nodiscard]] std::span<const std::byte> blob(int column) const override {
    return {reinterpret_cast<const std::byte*>(PQgetvalue(result_.get(), row_, column)),
            static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
  }
  [[nodiscard]] bool is_null(int column) const override {
    return PQgetisnull(result_.get(), row_, column) == 1;
  }

 private:
  struct Parameter {
    const char* value = nullptr;
    int size = 0;
    int format = 1;  // binary
    Oid type = 0;    // as the statement has it
    std::string own;
  };

  Parameter& at(int index) {
    const auto count = static_cast<std::size_t>(index);
    if (parameters_.size() < count) parameters_.resize(count);
    return parameters_[count - 1];
  }
  template <typename Bytes>
  Statement& own(int index, Oid type, const Bytes& bytes) {
    Parameter& parameter = at(index);
    parameter.own.assign(bytes.data(), bytes.size());
    parameter.type = type;
    parameter.value = parameter.own.data();
    parameter.size = static_cast<int>(parameter.own.size());
    return *this;
  }

  void execute() {
    const bool may_repeat = !database_.in_transaction_;
    try {
      execute_once();
    } catch (const Error&) {
      if (!may_repeat || !database_.connection_ || !database_.connection_->lost()) throw;
      execute_once();
    }
  }
  void execute_once() {
    const Database::Connection& connection = database_.connected();
    std::vector<const char*> values;
    std::vector<int> sizes;
    std::vector<int> formats;
    std::vector<Oid> types;
    for (const Parameter& parameter : parameters_) {
      values.push_back(parameter.value);
      sizes.push_back(parameter.size);
      formats.push_back(parameter.format);
      types.push_back(parameter.type);
    }
    const int count = static_cast<int>(parameters_.size());
    if (prepared_for_ != database_.connections_ || name_.empty()) {
      connection.checked(PQprepare(connection.handle(), name_.c_str(), sql_.c_str(), count, types.data()),
                         PGRES_COMMAND_OK);
      prepared_for_ = database_.connections_;
    }
    Result result(PQexecPrepared(connection.handle(), name_.c_str(), count, values.data(), sizes.data(),
                                 formats.data(), 1),
                  PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
      result = connection.checked(result.release(), PGRES_COMMAND_OK);
    result_ = std::move(result);
    row_ = -1;
  }

  Database& database_;
  std::string sql_;
  std::string name_;
  Result result_;
  int row_ = -1;
  std::deque<Parameter> parameters_;  // which stay where they are
  std::uint64_t prepared_for_ = 0;    // which connection
};

std::unique_ptr<sql::Statement> Database::prepare(const char* sql) {
  return std::make_unique<Statement>(*this, sql, "s" + std::to_string(++statements_));
}

std::unique_ptr<sql::Statement> Database::once(const char* sql) {
  return std::make_unique<Statement>(*this, sql, "");
}

std::string Database::ask(const char* sql, const std::string& parameter) {
  const auto row = once(sql);
  row->bind(1, std::string_view(parameter));
  return row->step() ? row->text(0) : "";
}

void Database::begin_copy(const char* sql) {
  const Connection& connection = connected();
  connection.checked(PQexec(connection.handle(), sql), PGRES_COPY_IN);
  copying_ = true;
}

void Database::put_copy(std::span<const std::byte> part) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  for (std::size_t first = 0; first < part.size() && copying_; first += kAtOnce) {
    const auto piece = part.subspan(first, std::min(kAtOnce, part.size() - first));
    copying_ = PQputCopyData(connection_->handle(), reinterpret_cast<const char*>(piece.data()),
                             static_cast<int>(piece.size())) == 1;
  }
}

void Database::finish_copy() {
  if (copying_) PQputCopyEnd(connection_->handle(), nullptr);
  copying_ = false;
}

void Database::await_copy() {
  connection_->checked(PQgetResult(connection_->handle()), PGRES_COMMAND_OK);
  while (PGresult* rest = PQgetResult(connection_->handle())) PQclear(rest);
}

void Database::copy_out(const std::string& sql, std::vector<std::byte>& stream) {
  const auto once = [&] {
    const Connection& connection = connected();
    connection.checked(PQexec(connection.handle(), sql.c_str()), PGRES_COPY_OUT);
    stream.clear();
    char* part = nullptr;
    for (int size = 0; (size = PQgetCopyData(connection.handle(), &part, 0)) > 0; PQfreemem(part)) {
      const auto* bytes = reinterpret_cast<const std::byte*>(part);
      stream.insert(stream.end(), bytes, bytes + size);
    }
    await_copy();
  };
  try {
    once();
  } catch (const Error&) {
    if (in_transaction_ || !connection_ || !connection_->lost()) throw;
    once();
  }
}

std::int64_t Database::others_commits() {
  const auto row = once("SELECT value FROM counter WHERE key = 'commits'");
  const std::int64_t all = row->step() ? row->integer(0) : 0;
  return all - own_commits_ - (changing_ ? 1 : 0);
}

void Database::check(std::vector<std::string>& wrong) {
  const auto bare =
      once("SELECT id FROM face WHERE NOT EXISTS (SELECT 1 FROM face_embedding WHERE face_id = id)");
  while (bare->step()) wrong.push_back("face " + std::to_string(bare->integer(0)) + " has no embedding");
}

}  // namespace likeness::postgres
