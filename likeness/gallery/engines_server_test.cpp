// What engines.h writes, in a server with pgvector.
#include <gtest/gtest.h>
#include <unistd.h>

#include "likeness/gallery/engines.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/postgres_server_testing.h"
#include "likeness/gallery/store_testing.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

TEST(ExportedToPgvector, AnExactSearchGivesTheSameNearest) {
  PostgresServer* const server = vector_server();
  if (!server) GTEST_SKIP() << "no server with pgvector";
  Gallery gallery(make_memory_store(
      {.contract = "{}", .contract_id = "it's a model", .precision = "f32", .dimension = 64}));
  const Embeddings faces = synthetic_faces(60, 6, 64, 7);
  std::vector<Enrolment> enrolments;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (i % 6 == 5) continue;  // the sixth is the query
    enrolments.push_back({"O'\\N" + std::to_string(i / 6), face_of(faces[i], static_cast<int>(i) + 1)});
    enrolments.back().face.photo = "tab\t\\.\n" + std::to_string(i);
  }
  static_cast<void>(gallery.add_many(enrolments));
  const fs::path file = fs::path(::testing::TempDir()) / ("pgvector_" + std::to_string(::getpid()) + ".sql");
  EXPECT_EQ(export_for_pgvector(gallery.store(), file), 300U);
  server->execute("postgres", "CREATE DATABASE exported");
  EXPECT_EQ(server->run_file("exported", file), 0);
  EXPECT_NE(server->run_file("exported", file), 0);  // the tables are there: nothing is added to them
  fs::remove(file);

  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(server->uri("exported").c_str()),
                                                              PQfinish);
  for (std::size_t person = 0; person < 60; ++person) {
    const auto query = faces[6 * person + 5];
    std::string text = "[";
    for (const float value : query) text += std::to_string(value) + ",";
    text.back() = ']';
    const std::string sql =
        "SELECT face.id, name, photo, -(embedding <#> '" + text +
        "'::halfvec(64)) FROM likeness_face face JOIN likeness_person person ON person.id = person_id "
        "ORDER BY embedding <#> '" +
        text + "'::halfvec(64), face.id LIMIT 3";
    const std::unique_ptr<PGresult, void (*)(PGresult*)> rows(PQexec(connection.get(), sql.c_str()), PQclear);
    ASSERT_EQ(PQresultStatus(rows.get()), PGRES_TUPLES_OK) << PQerrorMessage(connection.get());
    const std::vector<Match> ours = gallery.view()->nearest(query, 3);
    ASSERT_EQ(PQntuples(rows.get()), 3);
    for (int i = 0; i < 3; ++i) {
      const Match& match = ours[static_cast<std::size_t>(i)];
      EXPECT_EQ(PQgetvalue(rows.get(), i, 0), std::to_string(match.face)) << "person " << person;
      EXPECT_EQ(PQgetvalue(rows.get(), i, 1), match.name);
      EXPECT_EQ(PQgetvalue(rows.get(), i, 2), match.photo);
      EXPECT_NEAR(std::stof(PQgetvalue(rows.get(), i, 3)), match.cosine, 1e-3);  // of halves
    }
  }
}

}  // namespace
}  // namespace likeness
