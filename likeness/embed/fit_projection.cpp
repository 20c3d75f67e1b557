#include "likeness/embed/fit_projection.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "likeness/core/error.h"

namespace likeness {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::array<std::pair<ProjectionMethod, std::string_view>, 3> kMethods{
    {{ProjectionMethod::kPca, "pca"},
     {ProjectionMethod::kWhitened, "whitened"},
     {ProjectionMethod::kDiscriminative, "discriminative"}}};

Matrix rows_of(const Embeddings& faces) {
  return Eigen::Map<const Rows>(faces.values.data(), static_cast<Eigen::Index>(faces.size()),
                                static_cast<Eigen::Index>(faces.dimension))
      .cast<double>();
}

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

/// Columns of `vectors`, last first (solvers give the largest eigenvalue last), each with its largest entry
/// positive: the sign of an eigenvector is chance.
Matrix leading(const Matrix& vectors, std::size_t count) {
  Matrix result(vectors.rows(), index(count));
  for (Eigen::Index j = 0; j < result.cols(); ++j) {
    result.col(j) = vectors.col(vectors.cols() - 1 - j);
    Eigen::Index largest = 0;
    result.col(j).cwiseAbs().maxCoeff(&largest);
    if (result(largest, j) < 0) result.col(j) *= -1;
  }
  return result;
}

/// Directions as columns, by the spread of all faces.
Matrix principal(const Matrix& centred, std::size_t count, bool whitened) {
  const Matrix covariance = centred.transpose() * centred / static_cast<double>(centred.rows());
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance);
  Matrix directions = leading(solver.eigenvectors(), count);
  if (!whitened) return directions;
  for (Eigen::Index j = 0; j < directions.cols(); ++j) {
    const double variance = solver.eigenvalues()(solver.eigenvalues().size() - 1 - j);
    if (!(variance > 1e-12)) {
      throw Error(ErrorCode::kDataInvalid, "the faces differ in fewer directions than a projection to " +
                                               std::to_string(count) + " values needs; give more people");
    }
    directions.col(j) /= std::sqrt(variance);
  }
  return directions;
}

/// Directions as columns, in which people differ most for how little one person's faces do (Fisher 1936; the
/// scatter inside people shrunk as in Friedman 1989).
Matrix discriminants(const Matrix& faces, std::span<const std::string> people,
                     const ProjectionOptions& options) {
  std::map<std::string, std::vector<Eigen::Index>> faces_of;
  for (std::size_t i = 0; i < people.size(); ++i) faces_of[people[i]].push_back(index(i));
  Matrix within = Matrix::Zero(faces.cols(), faces.cols());
  Matrix means(index(faces_of.size()), faces.cols());
  Eigen::Index person = 0;
  Eigen::Index freedom = 0;
  for (const auto& [name, rows] : faces_of) {
    const Matrix own = faces(rows, Eigen::all);
    means.row(person) = own.colwise().mean();
    const Matrix centred = own.rowwise() - means.row(person);
    within += centred.transpose() * centred;
    freedom += own.rows() - 1;
    ++person;
  }
  if (freedom == 0) {
    throw Error(
        ErrorCode::kDataInvalid,
        "nobody has two faces: a discriminative projection needs people with several photos, or use pca");
  }
  within /= static_cast<double>(freedom);
  const double sphere = within.trace() / static_cast<double>(within.rows());
  within *= 1 - options.shrinkage;
  within.diagonal().array() += options.shrinkage * sphere;
  const Matrix spread = means.rowwise() - means.colwise().mean();
  const Matrix between = spread.transpose() * spread / static_cast<double>(means.rows());
  const Eigen::GeneralizedSelfAdjointEigenSolver<Matrix> solver(between, within);
  if (solver.info() != Eigen::Success) {
    throw Error(ErrorCode::kDataInvalid, "too few faces for a discriminative projection without shrinkage");
  }
  return leading(solver.eigenvectors(), options.dimension);
}

}  // namespace

std::string_view to_string(ProjectionMethod method) {
  return std::ranges::find(kMethods, method, [](const auto& entry) { return entry.first; })->second;
}

std::optional<ProjectionMethod> projection_method_from(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, [](const auto& entry) { return entry.second; });
  return found == kMethods.end() ? std::nullopt : std::optional(found->first);
}

Projection fit_projection(const Embeddings& faces, std::span<const std::string> people,
                          const ProjectionOptions& options) {
  if (people.size() != faces.size()) throw std::invalid_argument("a name for every face");
  if (options.dimension == 0 || options.dimension > faces.dimension)
    throw std::invalid_argument("a projection makes 1 to " + std::to_string(faces.dimension) + " values");
  if (!(options.shrinkage >= 0 && options.shrinkage <= 1))
    throw std::invalid_argument("shrinkage is from 0 to 1");
  if (faces.size() <= options.dimension) {
    throw Error(ErrorCode::kDataInvalid, std::to_string(faces.size()) + " faces are too few to learn " +
                                             std::to_string(options.dimension) + " directions from");
  }
  const Matrix rows = rows_of(faces);
  const Eigen::RowVectorXd mean = rows.colwise().mean();
  const Matrix centred = rows.rowwise() - mean;
  const Matrix directions =
      options.method == ProjectionMethod::kDiscriminative
          ? discriminants(centred, people, options)
          : principal(centred, options.dimension, options.method == ProjectionMethod::kWhitened);
  Projection result{faces.dimension, options.dimension, {}, {}};
  result.weights.resize(result.inputs * result.outputs);
  result.offset.resize(result.outputs);
  Eigen::Map<Rows>(result.weights.data(), index(result.outputs), index(result.inputs)) =
      directions.transpose().cast<float>();
  Eigen::Map<Eigen::VectorXf>(result.offset.data(), index(result.outputs)) =
      (-(mean * directions)).transpose().cast<float>();
  return result;
}

Embeddings projected(const Projection& projection, const Embeddings& embeddings) {
  if (embeddings.dimension != projection.inputs)
    throw std::invalid_argument("a projection of embeddings of another dimension");
  if (projection.weights.empty()) {
    Embeddings moved = embeddings;
    for (std::size_t i = 0; i < moved.values.size(); ++i) {
      moved.values[i] += projection.offset[i % projection.inputs];
    }
    return moved;
  }
  Embeddings result{projection.outputs, std::vector<float>(embeddings.size() * projection.outputs)};
  const Eigen::Map<const Rows> weights(projection.weights.data(), index(projection.outputs),
                                       index(projection.inputs));
  const Eigen::Map<const Eigen::VectorXf> offset(projection.offset.data(), index(projection.outputs));
  // Row by row: a product of matrices would sum in another order for another number of rows.
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const Eigen::Map<const Eigen::VectorXf> x(embeddings[i].data(), index(projection.inputs));
    Eigen::Map<Eigen::VectorXf>(result.values.data() + i * projection.outputs, index(projection.outputs)) =
        weights * x + offset;
  }
  return result;
}

}  // namespace likeness
