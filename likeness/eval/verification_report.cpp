#include "likeness/eval/verification_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "likeness/core/error.h"
#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/image/write_image.h"
#include "likeness/report/html.h"

namespace likeness {
namespace {

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double share) { return fixed(100 * share, 2) + " %"; }

/// At most some hundred points, evenly spread where a logarithmic axis shows them.
std::vector<RatePoint> thinned(const Comparisons& comparisons) {
  std::vector<RatePoint> kept;
  double last_match = -1;
  double last_non_match = 2;
  for (const RatePoint& point : rate_curve(comparisons)) {
    const bool far = point.false_match > last_match * 1.02 + 1e-9 ||
                     last_non_match - point.false_non_match > 0.002 || point.false_non_match == 0;
    if (!far) continue;
    kept.push_back(point);
    last_match = point.false_match;
    last_non_match = point.false_non_match;
    if (point.false_non_match == 0) break;
  }
  return kept;
}

Curve histogram(const std::string& name, const std::vector<double>& scores) {
  constexpr int kBins = 60;
  std::vector<double> share(kBins);
  for (const double score : scores) {
    const int bin = std::clamp(static_cast<int>((score + 0.5) / 1.5 * kBins), 0, kBins - 1);
    share[static_cast<std::size_t>(bin)] += 1.0 / static_cast<double>(scores.size());
  }
  Curve curve{name, {}, CurveStyle::kFilled};
  for (int bin = 0; bin < kBins; ++bin) {
    curve.points.emplace_back(-0.5 + 1.5 * bin / kBins, share[static_cast<std::size_t>(bin)]);
  }
  return curve;
}

Curve rates(const std::string& name, const Comparisons& comparisons, bool true_matches) {
  Curve curve{name, {}};
  for (const RatePoint& point : thinned(comparisons)) {
    curve.points.emplace_back(point.false_match,
                              true_matches ? 1 - point.false_non_match : point.false_non_match);
  }
  if (true_matches) curve.points.emplace_back(1, 1);  // thinned() ends where nothing more can be gained
  return curve;
}

/// Both photos of a pair, side by side. Empty where one cannot be read.
std::vector<std::byte> picture_of(const VerificationStory& story, const PhotoPair& pair) {
  constexpr int kSide = 140;
  Image both(2 * kSide, kSide);
  try {
    int left = 0;
    for (const std::size_t photo : {pair.first, pair.second}) {
      const Image image = read_image(story.images / story.photos[photo]);
      const Image small = resample(image.view(), kSide, kSide, Filter::kBilinear);
      for (int y = 0; y < kSide; ++y) std::memcpy(both.row(y) + 3 * left, small.view().row(y), 3 * kSide);
      left += kSide;
    }
  } catch (const Error&) {
    return {};
  }
  return encode_png(both.view());
}

/// The pairs decided wrongly by the most, of one kind.
std::vector<Card> worst(const VerificationStory& story, bool mated) {
  constexpr std::size_t kShown = 12;
  std::vector<std::pair<double, const ScoredPair*>> wrong;
  for (std::size_t fold = 0; fold < story.folds.size(); ++fold) {
    for (const ScoredPair& pair : story.folds[fold]) {
      if (pair.pair.mated != mated || !pair.score) continue;
      const double by = *pair.score - story.result.fold_thresholds[fold];
      if (mated ? by < 0 : by >= 0) wrong.emplace_back(std::abs(by), &pair);
    }
  }
  std::sort(wrong.begin(), wrong.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Card> cards;
  for (std::size_t i = 0; i < std::min(kShown, wrong.size()); ++i) {
    const PhotoPair& pair = wrong[i].second->pair;
    cards.push_back({picture_of(story, pair),
                     "cosine " + fixed(*wrong[i].second->score, 3),
                     {story.photos[pair.first], story.photos[pair.second]},
                     true});
  }
  return cards;
}

std::string validation_text(const Comparisons& comparisons) {
  const std::optional<double> rate =
      comparisons.mated.empty() ? std::nullopt : validation_rate(comparisons, 1e-3);
  if (rate) return percent(*rate);
  return "not supported by " + std::to_string(comparisons.non_mated.size()) + " comparisons";
}

void write_page(const std::filesystem::path& folder, const VerificationStory& story,
                const std::vector<std::pair<std::string, Plot>>& plots) {
  const Verification& result = story.result;
  HtmlReport page(story.title, story.protocol);
  page.figures(std::vector<Figure>{
      {percent(result.accuracy), "accuracy",
       result.interval ? "95 % interval " + percent(result.interval->low) + " to " +
                             percent(result.interval->high) + ", bootstrap over people"
                       : "of one person: without an interval"},
      {result.area_under_roc ? fixed(*result.area_under_roc, 5) : "not measured", "area under the ROC",
       result.area_under_roc ? "" : "it needs pairs of one person and of two"},
      {result.equal_error_rate ? percent(*result.equal_error_rate) : "not measured", "equal error rate",
       "where FMR and FNMR are the same"},
      {std::to_string(story.failed.size()), "photos without a face",
       "failure to acquire; their pairs are errors"}});
  if (result.threshold_from_same_pairs) {
    page.notice(
        "The threshold was chosen on the same pairs that it is tested with: the accuracy is optimistic.");
  }
  Table rates{{"", "mated pairs", "non-mated pairs", "area under ROC", "EER", "VAL at FMR 0.001"}, {}, ""};
  const auto row = [&](const char* name, const Comparisons& comparisons) {
    if (comparisons.mated.empty() || comparisons.non_mated.empty()) return;
    rates.rows.push_back({name, std::to_string(comparisons.mated.size()),
                          std::to_string(comparisons.non_mated.size()), fixed(area_under_roc(comparisons), 5),
                          percent(equal_error_rate(comparisons)), validation_text(comparisons)});
  };
  row("pairs of the protocol", result.comparisons);
  row("all pairs of its photos", story.all_pairs);
  page.table(rates);

  page.section("Curves");
  page.paragraph(
      "FMR: false match rate, two people taken for one. FNMR: false non-match rate, one person taken for "
      "two.");
  if (plots.empty())
    page.notice(
        "No pictures: gnuplot is not installed (package gnuplot-nox). The CSV files hold the curves.");
  for (const auto& [name, plot] : plots) page.picture(plot.png, name);

  page.section("Worst false matches");
  page.paragraph("Two people whose photos look alike to the model, the most alike first.");
  page.cards(worst(story, false));
  page.section("Worst false non-matches");
  page.paragraph("Photos of one person that do not look alike to the model, the least alike first.");
  page.cards(worst(story, true));

  page.section("What it was measured with");
  Table facts{{"what", "value"}, {}, ""};
  for (const auto& [what, value] : story.facts) facts.rows.push_back({what, value});
  page.table(facts);
  if (!story.failed.empty()) {
    Table failed{{"photo", "why it has no embedding"}, {}, ""};
    for (const auto& [photo, why] : story.failed) failed.rows.push_back({photo, why});
    page.table(failed);
  }
  page.write(folder / "report.html");
}

}  // namespace

NamedPlots verification_plots(const VerificationStory& story) {
  const Comparisons& pairs = story.result.comparisons;
  const bool all = !story.all_pairs.mated.empty() && !story.all_pairs.non_mated.empty();
  CurvePlot roc{
      .title = "ROC", .x = {"false match rate", AxisScale::kLog, 1e-5, 1}, .y = {"true match rate"}};
  CurvePlot det{.title = "DET",
                .x = {"false match rate", AxisScale::kProbit, 1e-4, 0.4},
                .y = {"false non-match rate", AxisScale::kProbit, 1e-4, 0.4}};
  if (!pairs.mated.empty() && !pairs.non_mated.empty()) {
    roc.curves.push_back(rates("pairs of the protocol", pairs, true));
    det.curves.push_back(rates("pairs of the protocol", pairs, false));
  }
  if (all) {
    roc.curves.push_back(rates("all pairs of its photos", story.all_pairs, true));
    det.curves.push_back(rates("all pairs of its photos", story.all_pairs, false));
  }
  CurvePlot scores{.title = "Scores", .x = {"cosine"}, .y = {"share of pairs"}, .legend_top = true};
  if (!pairs.non_mated.empty()) scores.curves.push_back(histogram("two people", pairs.non_mated));
  if (!pairs.mated.empty()) scores.curves.push_back(histogram("one person", pairs.mated));
  return {{"roc", roc}, {"det", det}, {"scores", scores}};
}

void write_verification_report(const std::filesystem::path& folder, const VerificationStory& story) {
  write_page(folder, story, write_plots(folder, verification_plots(story)));
}

}  // namespace likeness
