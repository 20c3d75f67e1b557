#include "cli/eval_parts.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/error.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/embed/comparison.h"
#include "likeness/eval/pairs_file.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;

People from_embeddings(const fs::path& file) {
  EmbeddingDataset dataset = read_embeddings(file);
  const std::string space = dataset.space.known() ? dataset.space.id() : "unknown model";
  People people{{dataset.train.embeddings.dimension, {}}, {}, {}, space, dataset.space.contract};
  for (EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    l2_normalize(part->embeddings);
    people.embeddings.values.insert(people.embeddings.values.end(), part->embeddings.values.begin(),
                                    part->embeddings.values.end());
    people.labels.insert(people.labels.end(), part->labels.begin(), part->labels.end());
  }
  return people;
}

People from_photos(const fs::path& folder, const EvalArgs& args, bool strangers) {
  PeopleList list = list_people({folder}, strangers);
  const std::vector<std::string> labels = labels_of(list.loose);
  for (std::size_t i = 0; i < labels.size(); ++i) list.photos.push_back({list.loose[i], labels[i]});
  std::ranges::sort(list.photos, {}, [](const auto& photo) { return photo.file.native(); });
  std::vector<fs::path> photos;
  for (const LabelledPhoto& photo : list.photos) photos.push_back(photo.file);
  const ModelPack pack = args.model.embedder();
  ProgressBar bar("embedding");
  const PhotoEmbeddings found = embed_photos(photos, pack, args.model, args.cache(), bar.callback());
  People people{{found.embeddings.dimension, {}}, {}, {}, found.id, to_json(pack.contract)};
  if (list.failed > 0) people.exit = Exit::kSomeInputsFailed;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (!found.found(i)) {
      people.failed.push_back(photos[i].string() + ": " + found.problems[i]);
      if (found.problems[i] != "no face found") people.exit = Exit::kSomeInputsFailed;
      continue;
    }
    people.embeddings.values.insert(people.embeddings.values.end(), found.embeddings[i].begin(),
                                    found.embeddings[i].end());
    people.labels.push_back(list.photos[i].label);
  }
  return people;
}

}  // namespace

People people_of(const fs::path& source, const EvalArgs& args, bool strangers) {
  return named_as_npz(source) ? from_embeddings(source) : from_photos(source, args, strangers);
}

People compared_people(const fs::path& source, const EvalArgs& args) {
  People people = people_of(source, args);
  people.embeddings = Comparison(people.contract, source.string()).comparable(std::move(people.embeddings));
  return people;
}

void keep_wanted(People& people, const std::optional<fs::path>& only, std::size_t min_photos) {
  std::set<std::string> named;
  if (only) {
    const std::vector<std::string> names = read_people_file(*only);
    named.insert(names.begin(), names.end());
  }
  std::map<std::string, std::size_t> photos;
  for (const std::string& label : people.labels) ++photos[label];
  People kept{{people.embeddings.dimension, {}}, {},
              std::move(people.failed),          std::move(people.space),
              std::move(people.contract),        people.exit};
  for (std::size_t i = 0; i < people.labels.size(); ++i) {
    const std::string& label = people.labels[i];
    if (photos[label] < min_photos || (only && !named.contains(label))) continue;
    const auto row = people.embeddings[i];
    kept.embeddings.values.insert(kept.embeddings.values.end(), row.begin(), row.end());
    kept.labels.push_back(label);
  }
  if (kept.labels.empty())
    throw Error(ErrorCode::kInputUnreadable, "none of the faces is of a person wanted");
  people = std::move(kept);
}

void write_report(const EvalArgs& args, const std::string& title, const std::string& words,
                  const Table& table, const NamedPlots& plots) {
  if (args.out.empty()) return;
  const auto drawn = write_plots(args.out, plots);
  HtmlReport page(title, words);
  page.table(table);
  if (drawn.empty() && !plots.empty())
    page.notice("No pictures: gnuplot is not installed (package gnuplot-nox).");
  for (const auto& [name, plot] : drawn) page.picture(plot.png, name);
  page.write(args.out / "report.html");
}

void print_table(const std::string& words, const Table& table) {
  std::printf("%s\n\n", words.c_str());
  // Two columns speak for themselves; more have headings.
  std::vector<std::vector<std::string>> rows = table.rows;
  if (table.columns.size() > 2) rows.insert(rows.begin(), table.columns);
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      std::printf("%-*s%s", last ? 0 : static_cast<int>(widths[i]), row[i].c_str(), last ? "\n" : "  ");
    }
  }
}

}  // namespace likeness::cli
