// The pixels that a matrix product's rows are gathered from, compiled once per instruction set: include it in
// a file of Highway's foreach_target, behind map_vectors-inl.h.
#if defined(LIKENESS_INFER_PIXEL_WALK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LIKENESS_INFER_PIXEL_WALK_INL_H
#undef LIKENESS_INFER_PIXEL_WALK_INL_H
#else
#define LIKENESS_INFER_PIXEL_WALK_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/map_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {

// The job's pixels of a group, row by row and picture by picture.
template <class In, class Out>
class PixelWalk {
 public:
  PixelWalk(const ConvolutionJob& job, const PixelGroup& group, std::size_t first_output)
      : job_(job),
        left_(group.left),
        right_(group.right),
        top_(std::max(group.top, job.rows.first)),
        bottom_(std::min(group.bottom, job.rows.end)),
        first_output_(first_output),
        y_(top_) {
    if (count() > 0) start_row();
  }

  [[nodiscard]] std::size_t count() const {
    return top_ >= bottom_ ? 0 : (bottom_ - top_) * (right_ - left_) * job_.pictures;
  }

  // Of the panel's row 0 first.
  template <class Panel>
  HWY_INLINE void next(Panel& panel, std::size_t row) {
    if (row == 0) even_ = true;
    if (x_ == right_) {
      const In* expected = in_;
      if (++y_ == bottom_) {
        y_ = top_;
        ++picture_;
      }
      start_row();
      if (row > 0 && in_ != expected) even_ = false;
    }
    panel.rows[row] = in_;
    panel.out[row] = out_;
    panel.add[row] = add_;
    in_ += in_step_;
    out_ += out_step_;
    if (panel.adds) add_ += job_.add.pixel;
    ++x_;
  }

  // The output pixel of the last row.
  [[nodiscard]] std::size_t y() const { return y_; }
  [[nodiscard]] std::size_t x() const { return x_ - 1; }
  // Whether the rows of the last panel are evenly spaced, and how, in bytes.
  [[nodiscard]] bool is_even() const { return even_; }
  [[nodiscard]] std::ptrdiff_t row_step() const { return static_cast<std::ptrdiff_t>(in_step_ * sizeof(In)); }

 private:
  HWY_INLINE void start_row() {
    x_ = left_;
    in_step_ = job_.strides[1] * job_.in.pixel;
    in_ = static_cast<const In*>(job_.in.data) + picture_ * job_.in.picture +
          row_of(job_.in, y_ * job_.strides[0]) * job_.in.row + x_ * in_step_;
    in_ -= job_.pad[0] * job_.in.row + job_.pad[1] * job_.in.pixel;
    const std::size_t out_y = row_of(job_.out, y_ * job_.spread[0] + job_.offset[0]);
    const std::size_t out_x = x_ * job_.spread[1] + job_.offset[1];
    out_ = const_cast<Out*>(static_cast<const Out*>(job_.out.data)) + picture_ * job_.out.picture +
           out_y * job_.out.row + out_x * job_.out.pixel + first_output_;
    out_step_ = job_.spread[1] * job_.out.pixel;
    if (job_.add.data == nullptr) return;
    add_ = static_cast<const Out*>(job_.add.data) + picture_ * job_.add.picture +
           row_of(job_.add, y_) * job_.add.row + x_ * job_.add.pixel + first_output_;
  }

  const ConvolutionJob& job_;
  std::size_t left_, right_, top_, bottom_, first_output_;
  std::size_t picture_ = 0, y_, x_ = 0;
  const In* in_ = nullptr;
  Out* out_ = nullptr;
  const Out* add_ = nullptr;
  std::size_t in_step_ = 0, out_step_ = 0;
  bool even_ = true;
};

}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LIKENESS_INFER_PIXEL_WALK_INL_H
