#include <limits>

#include "likeness/core/now.h"
#include "likeness/gallery/rejections.h"
#include "likeness/gallery/sql_store.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {

using sql::Resetting;
using sql::Statement;
using sql::Transaction;

bool SqlStore::reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
                      const Box& box) {
  require_embedding(embedding, space().dimension);
  const Bytes hash = from_hex(photo_hash, "photo_hash");
  const Lock lock(mutex_);
  Transaction change(*database_);
  if (!find_person(person)) return false;
  const Embeddings one{embedding.size(), as_stored(embedding, format())};
  if (!answered(rejections(person), one, format()).empty()) return true;  // said before
  const Bytes sealed = values_.seal_embedding(embedding, hash, box);
  Statement& insert = statement_(
      "INSERT INTO rejection (person_id, photo_hash, box_left, box_top, box_right, box_bottom, time_ms, "
      "embedding) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, person);
  insert.bind_or_null(2, hash);
  int column = 3;
  for (const float side : {box.left, box.top, box.right, box.bottom})
    insert.bind(column++, static_cast<double>(side));
  insert.bind(column++, now_ms());
  insert.bind(column, std::span<const std::byte>(sealed));
  insert.run();
  log_->note();
  change.commit();
  return true;
}

bool SqlStore::remove_rejection(std::int64_t rejection) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  if (statement_("DELETE FROM rejection WHERE id = ?").bind(1, rejection).run() == 0) return false;
  log_->note();
  change.commit();
  return true;
}

Rejections SqlStore::rejections(std::optional<std::int64_t> person) const {
  const Lock lock(mutex_);
  const std::size_t d = space().dimension;
  Rejections found{{}, {d, {}}};
  if (!has_rejections_) return found;
  Statement& rows = statement_(
      "SELECT id, person_id, photo_hash, box_left, box_top, box_right, box_bottom, time_ms, embedding FROM "
      "rejection WHERE person_id BETWEEN ? AND ? ORDER BY id");
  const Resetting guard(rows);
  rows.bind(1, person.value_or(0)).bind(2, person.value_or(std::numeric_limits<std::int64_t>::max()));
  while (rows.step()) {
    const auto real = [&](int column) { return static_cast<float>(rows.real(column)); };
    const Box box{real(3), real(4), real(5), real(6)};
    found.list.push_back({rows.integer(0), rows.integer(1), to_hex(rows.blob(2)), box, rows.integer(7)});
    found.embeddings.values.resize(found.list.size() * d);
    values_.open_embedding(rows.blob(8), rows.blob(2), box, rows.integer(0),
                           std::span(found.embeddings.values).last(d));
  }
  return found;
}

/// Those of the person that were said of these faces.
void SqlStore::take_back_rejections(std::int64_t person, std::span<const std::int64_t> faces) {
  const Rejections own = rejections(person);
  if (own.list.empty()) return;
  const std::vector<std::int64_t> wrong = answered(own, embeddings(faces).embeddings, format());
  for (const std::int64_t id : wrong) statement_("DELETE FROM rejection WHERE id = ?").bind(1, id).run();
  if (!wrong.empty()) log_->note();
}

}  // namespace likeness
