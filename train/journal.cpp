#include "train/journal.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

#include "likeness/core/error.h"
#include "likeness/eval/plot_files.h"
#include "likeness/report/html.h"

namespace likeness::train {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const StepReport& r) {
  return {{"loss", r.loss},
          {"hard_loss", r.hard_loss},
          {"gradient_norm", r.gradient_norm},
          {"triplets", r.triplets},
          {"active", r.batch.active},
          {"mean_positive", r.batch.mean_positive},
          {"mean_negative", r.batch.mean_negative},
          {"mean_pairwise", r.batch.mean_pairwise}};
}

StepReport step_from(const Json& j) {
  return {j.at("loss"),
          j.at("hard_loss"),
          j.at("gradient_norm"),
          j.at("triplets"),
          {j.at("active"), j.at("mean_positive"), j.at("mean_negative"), j.at("mean_pairwise")}};
}

EpochReport epoch_from(const Json& j) {
  EpochReport report;
  report.epoch = j.at("epoch");
  report.mean = step_from(j);
  report.rate = j.at("rate");
  report.seconds = j.at("seconds");
  report.best = j.at("best");
  if (const auto found = j.find("held_out"); found != j.end()) {
    report.held_out = Verification{found->at("same_pairs"), found->at("different_pairs"),
                                   found->at("accuracy"), found->at("val")};
  }
  return report;
}

Curve curve_of(const std::vector<EpochReport>& epochs, const std::string& name,
               const std::function<double(const EpochReport&)>& value) {
  Curve curve{.name = name};
  for (const EpochReport& e : epochs) curve.points.emplace_back(e.epoch, value(e));
  return curve;
}

NamedPlots plots_of(const std::vector<EpochReport>& epochs) {
  const auto plot = [](const char* title, const char* y, std::vector<Curve> curves) {
    return CurvePlot{.title = title,
                     .x = {.label = "epoch"},
                     .y = {.label = y},
                     .curves = std::move(curves),
                     .legend_top = true};
  };
  const auto curve = [&](const char* name, auto value) { return curve_of(epochs, name, value); };
  NamedPlots plots;
  plots.emplace_back("loss",
                     plot("Triplet loss", "loss",
                          {curve("chosen triplets", [](const auto& e) { return e.mean.loss; }),
                           curve("hardest triplets", [](const auto& e) { return e.mean.hard_loss; })}));
  plots.emplace_back("distances",
                     plot("Squared distances in a batch", "mean squared distance",
                          {curve("one person", [](const auto& e) { return e.mean.batch.mean_positive; }),
                           curve("two people", [](const auto& e) { return e.mean.batch.mean_negative; })}));
  plots.emplace_back("active", plot("Triplets with a loss", "share of all triplets",
                                    {curve("", [](const auto& e) { return e.mean.batch.active; })}));
  plots.emplace_back("gradient", plot("Gradient", "L2 norm",
                                      {curve("", [](const auto& e) { return e.mean.gradient_norm; })}));
  if (!epochs.empty() && epochs.front().held_out) {
    plots.emplace_back("held_out",
                       plot("People held out of the training", "share",
                            {curve("accuracy", [](const auto& e) { return e.held_out->accuracy; }),
                             curve("VAL at FAR 0.001", [](const auto& e) { return e.held_out->val; })}));
  }
  return plots;
}

}  // namespace

Journal::Journal(std::filesystem::path path) : path_(std::move(path)) {
  std::ofstream(path_, std::ios::trunc);
  open();
}

Journal::Journal(std::filesystem::path path, std::uintmax_t bytes) : path_(std::move(path)), bytes_(bytes) {
  std::error_code error;
  if (const auto size = std::filesystem::file_size(path_, error); error || size < bytes) {
    throw Error(ErrorCode::kDataInvalid, path_.string() + " is shorter than when the checkpoint was made");
  }
  std::filesystem::resize_file(path_, bytes, error);
  open();
}

void Journal::open() {
  file_.open(path_, std::ios::app);
  if (!file_) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path_.string() + ": " + std::strerror(errno));
  }
}

void Journal::write(const std::string& line) {
  errno = 0;
  file_ << line << '\n' << std::flush;
  if (!file_) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path_.string() + ": " + std::strerror(errno));
  }
  bytes_ += line.size() + 1;
}

void Journal::add(int epoch, int step, const StepReport& report) {
  Json json{{"event", "step"}, {"epoch", epoch}, {"step", step}};
  json.update(json_of(report));
  write(json.dump());
}

void Journal::add(const EpochReport& report) {
  Json json{{"event", "epoch"}, {"epoch", report.epoch}};
  json.update(json_of(report.mean));
  json["rate"] = report.rate;
  json["seconds"] = report.seconds;
  json["best"] = report.best;
  if (report.held_out) {
    const Verification& v = *report.held_out;
    json["held_out"] = {{"same_pairs", v.same_pairs},
                        {"different_pairs", v.different_pairs},
                        {"accuracy", v.accuracy},
                        {"val", v.val}};
  }
  write(json.dump());
}

std::vector<EpochReport> read_epochs(const std::filesystem::path& log) {
  std::ifstream file(log);
  if (!file) throw Error(ErrorCode::kInputUnreadable, "cannot read " + log.string());
  std::vector<EpochReport> epochs;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      const Json json = Json::parse(line);
      if (json.at("event") == "epoch") epochs.push_back(epoch_from(json));
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorCode::kDataInvalid,
                  log.string() + ", line " + std::to_string(number) + ": not a line of a training's log");
    }
  }
  return epochs;
}

void write_training_report(const std::filesystem::path& folder, const std::vector<EpochReport>& epochs,
                           const TrainResult& result, const Facts& facts) {
  HtmlReport report("Triplet training", "likeness-train");
  if (result.stop == Stop::kCollapse) report.notice("Stopped: " + result.reason);
  if (result.stop == Stop::kNoBetter) report.paragraph("Stopped early: " + result.reason + ".");
  Table table{.columns = {"what", "value"}};
  for (const auto& [what, value] : facts) table.rows.push_back({what, value});
  report.table(table);
  report.section("Curves");
  for (const auto& [title, plot] : write_plots(folder, plots_of(epochs)))
    report.picture(plot.png, title, title);
  report.write(folder / "report.html");
}

}  // namespace likeness::train
