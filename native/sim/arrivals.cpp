#include "sim/arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace hetsched::sim {
namespace {

constexpr double kLongest = 0x1p60;

Time rounded(double at) {
  return at < kLongest ? static_cast<Time>(std::floor(at + 0.5)) : kNever;
}

}  // namespace

LoadClock::LoadClock(const Arrivals& arrivals) {
  const auto start = static_cast<double>(arrivals.start);
  pieces_.push_back({start, 0.0, 1.0});
  for (const auto& [from, factor] : arrivals.load) {
    const auto at = static_cast<double>(from);
    Piece& last = pieces_.back();
    if (at <= start) {
      last.factor = factor;
    } else {
      pieces_.push_back({at, last.shown + (at - last.start) * last.factor, factor});
    }
  }
}

Time LoadClock::at(double shown) {
  while (piece_ + 1 < pieces_.size() && pieces_[piece_ + 1].shown <= shown) ++piece_;
  const Piece& piece = pieces_[piece_];
  if (piece.factor <= 0.0) return kNever;
  return rounded(piece.start + (shown - piece.shown) / piece.factor);
}

Time LoadClock::after(Time now, double amount) const {
  auto at = static_cast<double>(now);
  std::size_t piece = 0;
  while (piece + 1 < pieces_.size() && pieces_[piece + 1].start <= at) ++piece;
  for (;; ++piece) {
    const double factor = pieces_[piece].factor;
    const bool is_last = piece + 1 == pieces_.size();
    if (factor > 0.0) {
      const double due = at + amount / factor;
      if (is_last || due <= pieces_[piece + 1].start) return rounded(due);
      amount -= (pieces_[piece + 1].start - at) * factor;
    }
    if (is_last) return kNever;
    at = pieces_[piece + 1].start;
  }
}

ArrivalProcess::ArrivalProcess(const Arrivals& spec, std::uint64_t seed, AppId app)
    : spec_(spec),
      clock_(spec),
      random_(seed, Purpose::kArrivals, {app}),
      thinking_(seed, Purpose::kThinking, {app}),
      shown_(spec.phase),
      end_of_burst_(spec.phase) {}

double ArrivalProcess::shown() {
  switch (spec_.kind) {
    case Arrivals::Kind::kPeriodic: {
      const double late = spec_.jitter > 0.0 ? random_.uniform() * spec_.jitter : 0.0;
      return spec_.phase + static_cast<double>(count_) * spec_.interval + late;
    }
    case Arrivals::Kind::kPoisson:
      return shown_ += random_.exponential() * spec_.interval;
    case Arrivals::Kind::kBursty:
      return burst();
    case Arrivals::Kind::kReplay:
      if (count_ >= std::ssize(spec_.times)) return kLongest;
      return static_cast<double>(spec_.times[static_cast<std::size_t>(count_)]);
    case Arrivals::Kind::kClosed:
      return count_ < spec_.clients ? spec_.phase : kLongest;
    case Arrivals::Kind::kNone:
      break;
  }
  return kLongest;
}

// Poisson while a burst lasts. What is drawn beyond its end is forgotten: arrivals have no memory.
double ArrivalProcess::burst() {
  if (count_ == 0) {
    end_of_burst_ = shown_ + (spec_.is_random ? random_.exponential() * spec_.on : spec_.on);
  }
  for (;;) {
    shown_ += random_.exponential() * spec_.interval;
    if (shown_ <= end_of_burst_) return shown_;
    shown_ = end_of_burst_ + (spec_.is_random ? random_.exponential() * spec_.off : spec_.off);
    end_of_burst_ = shown_ + (spec_.is_random ? random_.exponential() * spec_.on : spec_.on);
  }
}

Time ArrivalProcess::next() {
  const double due = shown();
  ++count_;
  if (due >= kLongest) return kNever;
  const Time at = clock_.at(due);
  return at < spec_.stop ? at : kNever;
}

Time ArrivalProcess::again(Time now) {
  const double pause = spec_.is_random ? thinking_.exponential() * spec_.think : spec_.think;
  const Time at = clock_.after(now, pause);
  return at < spec_.stop ? at : kNever;
}

}  // namespace hetsched::sim
