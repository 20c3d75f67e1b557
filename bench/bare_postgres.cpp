#include "bare_postgres.h"

#include <libpq-fe.h>

#include <chrono>
#include <stdexcept>

namespace likeness::bench {
namespace {

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

const char* schema_of(bool foreign_keys) { return foreign_keys ? "bare_keys" : "bare"; }

}  // namespace

struct BarePostgres::Handle {
  PGconn* connection = nullptr;
  ~Handle() { PQfinish(connection); }
  Result checked(PGresult* raw, ExecStatusType expected) const {
    Result result(raw, PQclear);
    if (PQresultStatus(raw) != expected) throw std::runtime_error(PQerrorMessage(connection));
    return result;
  }
};

BarePostgres::BarePostgres(const std::string& uri, bool tables) : handle_(std::make_unique<Handle>()) {
  const std::string option = "?gallery=";
  const std::size_t at = uri.rfind(option);
  if (at == std::string::npos) throw std::runtime_error("the URI ends without ?gallery=NAME");
  schema_ = "likeness_" + uri.substr(at + option.size());
  handle_->connection = PQconnectdb(uri.substr(0, at).c_str());
  if (PQstatus(handle_->connection) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(handle_->connection));
  PQsetNoticeProcessor(
      handle_->connection, [](void*, const char*) {}, nullptr);
  tables_ = {
      {"person", {}}, {"face", {}}, {"face_embedding", {}}, {"change (version, face_id, person_id)", {}}};
  if (!tables) return;
  for (const bool keys : {false, true}) {
    const std::string made = schema_of(keys);
    run("CREATE SCHEMA " + made);
    for (const char* table : {"person", "face", "face_embedding", "change"})
      run("CREATE TABLE " + made + "." + table + " (LIKE " + schema_ + "." + table + " INCLUDING ALL)");
    if (!keys) continue;
    run("ALTER TABLE bare_keys.face ADD FOREIGN KEY (person_id) REFERENCES bare_keys.person ON DELETE "
        "CASCADE");
    run("ALTER TABLE bare_keys.face_embedding ADD FOREIGN KEY (face_id) REFERENCES bare_keys.face ON DELETE "
        "CASCADE");
  }
}

BarePostgres::~BarePostgres() = default;

void BarePostgres::run(const std::string& sql) {
  handle_->checked(PQexec(handle_->connection, sql.c_str()), PGRES_COMMAND_OK);
}

std::string BarePostgres::value(const std::string& sql) {
  return PQgetvalue(handle_->checked(PQexec(handle_->connection, sql.c_str()), PGRES_TUPLES_OK).get(), 0, 0);
}

void BarePostgres::read(const std::string& sql, std::vector<std::string>* rows) {
  handle_->checked(PQexec(handle_->connection, ("COPY (" + sql + ") TO STDOUT (FORMAT binary)").c_str()),
                   PGRES_COPY_OUT);
  char* part = nullptr;
  for (int size = 0; (size = PQgetCopyData(handle_->connection, &part, 0)) > 0; PQfreemem(part)) {
    if (rows) rows->emplace_back(part, static_cast<std::size_t>(size));
  }
  handle_->checked(PQgetResult(handle_->connection), PGRES_COMMAND_OK);
  while (PGresult* rest = PQgetResult(handle_->connection)) PQclear(rest);
}

void BarePostgres::take_new_rows() {
  const std::string face = std::to_string(last_face_);
  const std::string person = std::to_string(last_person_);
  const std::string selects[] = {
      "SELECT * FROM " + schema_ + ".person WHERE id > " + person + " ORDER BY id",
      "SELECT * FROM " + schema_ + ".face WHERE id > " + face + " ORDER BY id",
      "SELECT * FROM " + schema_ + ".face_embedding WHERE face_id > " + face + " ORDER BY face_id",
      "SELECT CAST(1 AS bigint), id, person_id FROM " + schema_ + ".face WHERE id > " + face +
          " ORDER BY id"};
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    tables_[i].rows.clear();
    read(selects[i], &tables_[i].rows);
  }
  last_face_ = std::stoll(value("SELECT coalesce(max(id), 0) FROM " + schema_ + ".face"));
  last_person_ = std::stoll(value("SELECT coalesce(max(id), 0) FROM " + schema_ + ".person"));
}

double BarePostgres::copy_in(bool foreign_keys) {
  const double start = seconds();
  run("BEGIN");
  for (const Table& table : tables_) {
    const std::string sql =
        "COPY " + std::string(schema_of(foreign_keys)) + "." + table.columns + " FROM STDIN (FORMAT binary)";
    handle_->checked(PQexec(handle_->connection, sql.c_str()), PGRES_COPY_IN);
    for (const std::string& row : table.rows)
      PQputCopyData(handle_->connection, row.data(), static_cast<int>(row.size()));
    PQputCopyEnd(handle_->connection, nullptr);
    handle_->checked(PQgetResult(handle_->connection), PGRES_COMMAND_OK);
    while (PGresult* rest = PQgetResult(handle_->connection)) PQclear(rest);
  }
  run("COMMIT");
  return seconds() - start;
}

double BarePostgres::copy_out() {
  const double start = seconds();
  read("SELECT id, person_id FROM " + schema_ + ".face", nullptr);
  read("SELECT * FROM " + schema_ + ".face_embedding", nullptr);
  read("SELECT * FROM " + schema_ + ".person", nullptr);
  return seconds() - start;
}

}  // namespace likeness::bench
