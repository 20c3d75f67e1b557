#include "likeness/classify/svm.h"

#include <svm.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace likeness {
namespace {

struct FreeModel {
  void operator()(svm_model* model) const { svm_free_and_destroy_model(&model); }
};
using Model = std::unique_ptr<svm_model, FreeModel>;

/// Embeddings as libsvm takes them. Where there are no more rows than values in a row, each with its product
/// with every row (libsvm's precomputed kernel): one pair of people has six SVMs, and libsvm's own products
/// take most of their time. Otherwise in its sparse spelling: index and value, an end mark after each row.
/// The products, and with them the solution, are the same bit for bit: libsvm sums in doubles and in order,
/// too.
class Nodes {
 public:
  explicit Nodes(const Embeddings& rows)
      : kernel_(rows.size() <= rows.dimension ? PRECOMPUTED : LINEAR),
        stride_((kernel_ == PRECOMPUTED ? rows.size() : rows.dimension) + 1),
        nodes_(rows.size() * stride_) {
    std::vector<double> products(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      svm_node* node = nodes_.data() + i * stride_;
      if (kernel_ == PRECOMPUTED) {
        dots(rows, rows[i], products);
        node[0] = {0, static_cast<double>(i + 1)};  // by which other rows find their product with this one
        for (std::size_t j = 0; j < rows.size(); ++j) node[j + 1] = {static_cast<int>(j) + 1, products[j]};
      } else {
        for (std::size_t j = 0; j < rows.dimension; ++j) node[j] = {static_cast<int>(j) + 1, rows[i][j]};
        node[rows.dimension] = {-1, 0};
      }
    }
  }
  svm_node* operator[](std::size_t i) { return nodes_.data() + i * stride_; }
  [[nodiscard]] int kernel() const { return kernel_; }

 private:
  int kernel_;
  std::size_t stride_;
  std::vector<svm_node> nodes_;
};

Model solve(int kernel, std::vector<svm_node*>& x, std::vector<double>& y, double c, double tolerance) {
  // libsvm prints to stdout unless told otherwise; the setting is global, so it is made once.
  static const bool silenced = [] {
    svm_set_print_string_function([](const char*) {});
    return true;
  }();
  (void)silenced;
  svm_problem problem{static_cast<int>(x.size()), y.data(), x.data()};
  svm_parameter parameter{};
  parameter.svm_type = C_SVC;
  parameter.kernel_type = kernel;
  parameter.cache_size = 200;
  parameter.eps = tolerance;
  parameter.C = c;
  parameter.shrinking = 1;
  return Model(svm_train(&problem, &parameter));
}

/// Decision values of `rows` (first class positive), each from an SVM that has not seen its fold.
void cross_validate(Nodes& nodes, std::span<const std::size_t> rows, std::span<const char> first,
                    std::span<const int> fold, int folds, double c, double tolerance,
                    std::span<double> values) {
  for (int part = 0; part < folds; ++part) {
    std::vector<svm_node*> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (fold[i] == part) continue;
      x.push_back(nodes[rows[i]]);
      y.push_back(first[i] ? 1 : 0);
    }
    const Model model = solve(nodes.kernel(), x, y, c, tolerance);
    const double sign = model->label[0] == 1 ? 1 : -1;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (fold[i] != part) continue;
      double value = 0;
      svm_predict_values(model.get(), nodes[rows[i]], &value);
      values[i] = sign * value;
    }
  }
}

std::vector<std::size_t> rows_of(std::span<const std::int32_t> classes, std::int32_t wanted) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == wanted) rows.push_back(i);
  }
  return rows;
}

/// Our own, because the standard library's shuffle differs between its implementations.
void shuffle(std::vector<std::size_t>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

}  // namespace

SvmSolution train_svm(const Embeddings& rows, std::span<const std::int32_t> classes, double c,
                      double tolerance) {
  Nodes nodes(rows);
  std::vector<svm_node*> x;
  for (std::size_t i = 0; i < rows.size(); ++i) x.push_back(nodes[i]);
  std::vector<double> y(classes.begin(), classes.end());
  const Model model = solve(nodes.kernel(), x, y, c, tolerance);

  SvmSolution solution;
  const auto count = static_cast<std::size_t>(model->l);
  const int n = model->nr_class;
  for (std::size_t i = 0; i < count; ++i) solution.support.push_back(model->sv_indices[i] - 1);
  for (int k = 0; k + 1 < n; ++k) {
    solution.coefficients.insert(solution.coefficients.end(), model->sv_coef[k], model->sv_coef[k] + count);
  }
  for (int pair = 0; pair < n * (n - 1) / 2; ++pair) solution.intercepts.push_back(-model->rho[pair]);
  return solution;
}

std::vector<Sigmoid> fit_pair_sigmoids(const Embeddings& rows, std::span<const std::int32_t> classes,
                                       double c, double tolerance, int folds, std::uint64_t seed) {
  Nodes nodes(rows);
  const std::int32_t n = classes.empty() ? 0 : classes.back() + 1;
  std::vector<Sigmoid> sigmoids;
  std::mt19937_64 random(seed);
  for (std::int32_t a = 0; a < n; ++a) {
    for (std::int32_t b = a + 1; b < n; ++b) {
      std::vector<std::size_t> members;
      std::vector<char> first;
      std::vector<int> fold;
      for (const std::int32_t one : {a, b}) {
        std::vector<std::size_t> own = rows_of(classes, one);
        shuffle(own, random);
        for (std::size_t i = 0; i < own.size(); ++i) {
          members.push_back(own[i]);
          first.push_back(one == a);
          fold.push_back(static_cast<int>(i) % folds);
        }
      }
      std::vector<double> values(members.size());
      cross_validate(nodes, members, first, fold, folds, c, tolerance, values);
      sigmoids.push_back(fit_sigmoid(values, first));
    }
  }
  return sigmoids;
}

}  // namespace likeness
