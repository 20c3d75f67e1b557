#pragma once

#include <memory>
#include <string>
#include <vector>

namespace likeness::bench {

/// What a server does by itself with a gallery's rows: COPY of them into tables alike, and out of its own.
/// @throws std::runtime_error in the server's words.
class BarePostgres {
 public:
  /// `uri` as for open_gallery(), with "?gallery=NAME" at its end, of a gallery that is there. With `tables`
  /// those are made that are copied into.
  explicit BarePostgres(const std::string& uri, bool tables = true);
  ~BarePostgres();

  /// Reads the rows of the faces above the last ones, with the people who are new by them, to be copied in.
  void take_new_rows();
  /// Copies them into the tables with foreign keys or without, as one change. @returns seconds.
  double copy_in(bool foreign_keys);
  /// Copies out what a first view reads: owners, embeddings and names. @returns seconds.
  double copy_out();

 private:
  struct Handle;
  struct Table {
    std::string columns;  // what COPY is told after the schema
    std::vector<std::string> rows;
  };
  void run(const std::string& sql);
  std::string value(const std::string& sql);
  void read(const std::string& sql, std::vector<std::string>* rows);

  std::unique_ptr<Handle> handle_;
  std::string schema_;
  std::vector<Table> tables_;
  long long last_face_ = 0;
  long long last_person_ = 0;
};

}  // namespace likeness::bench
