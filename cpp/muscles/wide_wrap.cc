#include "muscles/wide_wrap.h"

#include "base/wide_math.h"

namespace soleus {
namespace {

constexpr double kSmall = 1e-15;  // mjMINVAL
constexpr double kPi = 3.14159265358979323846;

struct Wide2 {
  Wide x, y;
};
Wide2 operator-(const Wide2& a, const Wide2& b) { return {a.x - b.x, a.y - b.y}; }
Wide2 operator+(const Wide2& a, const Wide2& b) { return {a.x + b.x, a.y + b.y}; }
Wide dot(const Wide2& a, const Wide2& b) { return a.x * b.x + a.y * b.y; }
Wide cross(const Wide2& a, const Wide2& b) { return a.x * b.y - a.y * b.x; }
Wide2 select(WideMask m, const Wide2& yes, const Wide2& no) { return {select(m, yes.x, no.x), select(m, yes.y, no.y)}; }
Wide2 scaled(Wide s, const Wide2& a) { return {s * a.x, s * a.y}; }

Wide2 unit(const Wide2& a) {
  const Wide length = sqrt(dot(a, a));
  const WideMask none = length < Wide(kSmall);
  const Wide inverse = Wide(1.0) / select(none, Wide(1.0), length);
  return select(none, {Wide(1.0), Wide(0.0)}, scaled(inverse, a));
}

Wide3 unit(const Wide3& a, WideMask& none) {
  const Wide length = sqrt(dot(a, a));
  none = length < Wide(kSmall);
  const Wide inverse = Wide(1.0) / select(none, Wide(1.0), length);
  return inverse * a;
}

Wide arc_sine(Wide x) {
  const Wide angle = angle_of(sqrt(max(Wide(1.0) - x * x, Wide(0.0))), abs(x));
  return select(x < Wide(0.0), -angle, angle);
}

// Whether the segments a-b and c-d meet.
WideMask meet(const Wide2& a, const Wide2& b, const Wide2& c, const Wide2& d) {
  const Wide2 ab = b - a, cd = d - c, ca = a - c;
  const Wide det = cross(ab, cd);
  const WideMask parallel = abs(det) < Wide(kSmall);
  const Wide inverse = Wide(1.0) / select(parallel, Wide(1.0), det);
  const Wide s = cross(cd, ca) * inverse, t = cross(ab, ca) * inverse;
  const Wide zero(0.0), one(1.0);
  return !parallel & (s >= zero) & (s <= one) & (t >= zero) & (t <= one);
}

struct Plane {
  WideMask wraps;
  Wide length;
  Wide2 first, second;
};

// One of the two ways round a circle: the points where the tangents from both ends touch it.
struct Way {
  Wide2 first, second;
  Wide good;
};

template <class Number>
Way way_round(const Wide2& a, const Wide2& b, Wide a2, Wide b2, Wide a_tangent, Wide b_tangent, Number radius, double sign,
              const Wide2* side) {
  const Wide square(radius * radius), turn(sign * radius);
  Way w;
  const Wide ia = Wide(1.0) / a2, ib = Wide(1.0) / b2;
  w.first = scaled(ia, {a.x * square + Wide(turn * a.y) * a_tangent, a.y * square - Wide(turn * a.x) * a_tangent});
  w.second = scaled(ib, {b.x * square - Wide(turn * b.y) * b_tangent, b.y * square + Wide(turn * b.x) * b_tangent});
  if (side) {
    w.good = dot(unit(w.first + w.second), *side);
  } else {
    const Wide2 d = w.first - w.second;
    w.good = -dot(d, d);
  }
  w.good = select(meet(a, w.first, b, w.second), Wide(-10000.0), w.good);
  return w;
}

template <class Number>
Plane wrap_outside(const Wide2& a, const Wide2& b, Number radius, const Wide2* side) {
  const Wide square(radius * radius), zero(0.0), one(1.0);
  const Wide a2 = dot(a, a), b2 = dot(b, b);
  const Wide2 d = b - a;
  const Wide dd = dot(d, d);
  WideMask wraps = !((a2 < square) | (b2 < square) | (dd < Wide(kSmall)));
  const Wide s = clamp(-dot(d, a) / select(wraps, dd, one), zero, one);
  const Wide2 nearest = a + scaled(s, d);
  WideMask passes = dot(nearest, nearest) > square;
  if (side) passes = passes & (dot(*side, nearest) >= zero);
  wraps = wraps & !passes;
  Plane out{wraps, zero, a, b};
  if (!any(wraps)) return out;
  const Wide a_tangent = sqrt(max(a2 - square, zero)), b_tangent = sqrt(max(b2 - square, zero));
  const Wide safe_a = select(wraps, a2, one), safe_b = select(wraps, b2, one);
  const Way left = way_round(a, b, safe_a, safe_b, a_tangent, b_tangent, radius, 1, side);
  const Way right = way_round(a, b, safe_a, safe_b, a_tangent, b_tangent, radius, -1, side);
  const WideMask first = left.good > right.good;
  out.first = select(first, left.first, right.first);
  out.second = select(first, left.second, right.second);
  out.wraps = wraps & !meet(a, out.first, b, out.second);
  const Wide turn = cross(out.first, out.second);
  const Wide angle = angle_of(dot(out.first, out.second), abs(turn));
  // The way round that was chosen may be the longer one.
  const WideMask longer = (first & (turn > zero)) | (!first & (turn < zero));
  out.length = radius * select(longer, Wide(2 * kPi) - angle, angle);
  return out;
}

// Touches the circle from within at one point, where the string bends as light is reflected, by an angle t to the radius:
// 2 t - asin(A sin t) - asin(B sin t) is the angle between both ends as seen from the centre. It grows and bends upwards
// with t, so that Newton's steps from a right angle come down to it.
Plane wrap_inside(const Wide2& a, const Wide2& b, Wide r) {
  constexpr int kMost = 20;
  constexpr double kTolerance = 1e-14;  // [rad]
  const Wide zero(0.0), one(1.0);
  const Wide a_length = sqrt(dot(a, a)), b_length = sqrt(dot(b, b));
  const Wide2 d = b - a;
  const Wide dd = dot(d, d);
  WideMask wraps = !((a_length <= r) | (b_length <= r));
  const WideMask apart = dd > Wide(kSmall);
  const Wide s = -dot(d, a) / select(apart, dd, one);
  const Wide2 nearest = a + scaled(s, d);
  wraps = wraps & !(apart & (s > zero) & (s < one) & (sqrt(dot(nearest, nearest)) <= r));
  const Wide A = r / select(wraps, a_length, one), B = r / select(wraps, b_length, one);
  const Wide between = angle_of(dot(a, b), abs(cross(a, b)));
  Wide t(0.5 * kPi), sine(1.0), cosine(0.0);
  WideMask searching = wraps;
  for (int i = 0; i < kMost && any(searching); ++i) {
    const Wide value = 2.0 * t - arc_sine(A * sine) - arc_sine(B * sine) - between;
    auto share = [&](Wide k) { return k * cosine / sqrt(max(one - (k * sine) * (k * sine), Wide(kSmall))); };
    const Wide slope = Wide(2.0) - share(A) - share(B);
    const Wide next = clamp(t - value / slope, zero, Wide(0.5 * kPi));
    const WideMask close = abs(next - t) < Wide(kTolerance);
    t = select(searching, next, t);
    searching = searching & !close;
    sincos(t, sine, cosine);
  }
  const WideMask from_a = cross(a, b) > zero;
  const Wide2 start = unit(select(from_a, a, b));
  Wide turn_sine, turn_cosine;
  sincos(t - arc_sine(select(from_a, A, B) * sine), turn_sine, turn_cosine);
  const Wide2 point = scaled(r, {turn_cosine * start.x - turn_sine * start.y, turn_sine * start.x + turn_cosine * start.y});
  return {wraps, zero, point, point};
}

// The plane of a sphere's wrap: through its centre and both ends.
void sphere_axes(const Wide3& from, const Wide3& to, Wide3& x, Wide3& y) {
  WideMask none, parallel;
  x = unit(from, none);
  Wide3 normal = unit(cross(from, to), parallel);
  if (any(parallel)) {
    // Any plane through both will do; MuJoCo's takes the direction that has 0 where x is greatest, and 1 elsewhere.
    const Wide zero(0.0), one(1.0), ax = abs(x.x), ay = abs(x.y), az = abs(x.z);
    const WideMask z = (az > ax) & (az > ay), y_most = !z & (ay > ax) & (ay > az);
    const WideMask x_most = !z & !y_most;
    const Wide3 other{select(x_most, zero, one), select(y_most, zero, one), select(z, zero, one)};
    WideMask unused;
    normal = select(parallel, unit(cross(x, other), unused), normal);
  }
  WideMask unused;
  y = unit(cross(normal, x), unused);
}

// Round the outside, by a side or the shorter way.
template <class Number>
Plane wrap_around(const WrapShape<Number>& shape, const Wide2& a, const Wide2& b, const Wide3& x, const Wide3& y) {
  if (!shape.sided) return wrap_outside(a, b, shape.radius, nullptr);
  const Wide3 s = wide(shape.side);
  const Wide2 side = scaled(Wide(shape.radius), unit(shape.sphere ? Wide2{dot(s, x), dot(s, y)} : Wide2{s.x, s.y}));
  return wrap_outside(a, b, shape.radius, &side);
}

Plane select(WideMask m, const Plane& yes, const Plane& no) {
  return {(m & yes.wraps) | (!m & no.wraps), select(m, yes.length, no.length), select(m, yes.first, no.first),
          select(m, yes.second, no.second)};
}

}  // namespace

template <class Number>
Wrapping wrap(const WrapShape<Number>& shape, const Wide3& from, const Wide3& to) {
  const Wide zero(0.0), one(1.0);
  Wide3 x{one, zero, zero}, y{zero, one, zero};
  if (shape.sphere) sphere_axes(from, to, x, y);
  const Wide2 a = shape.sphere ? Wide2{dot(from, x), dot(from, y)} : Wide2{from.x, from.y};
  const Wide2 b = shape.sphere ? Wide2{dot(to, x), dot(to, y)} : Wide2{to.x, to.y};
  Plane flat = all(shape.inside) ? wrap_inside(a, b, Wide(shape.radius)) : wrap_around(shape, a, b, x, y);
  if (any(shape.inside) && !all(shape.inside)) {  // which side a site is on differs by lane
    flat = select(mask_of(shape.inside), wrap_inside(a, b, Wide(shape.radius)), flat);
  }
  const WideMask far = (dot(from, from) >= Wide(kSmall * kSmall)) & (dot(to, to) >= Wide(kSmall * kSmall));
  Wrapping out{flat.wraps & far, flat.length, {}, {}};
  if (shape.sphere) {
    out.first = Wide3{flat.first.x * x.x, flat.first.x * x.y, flat.first.x * x.z};
    add_scaled(out.first, flat.first.y, y);
    out.second = Wide3{flat.second.x * x.x, flat.second.x * x.y, flat.second.x * x.z};
    add_scaled(out.second, flat.second.y, y);
    return out;
  }
  // Along a cylinder's axis the string climbs evenly.
  const Wide2 da = a - flat.first, db = b - flat.second;
  const Wide before = sqrt(dot(da, da)), after = sqrt(dot(db, db));
  const Wide whole = before + flat.length + after;
  const Wide climb = (to.z - from.z) / select(whole == zero, one, whole);
  out.first = {flat.first.x, flat.first.y, from.z + climb * before};
  out.second = {flat.second.x, flat.second.y, from.z + climb * (before + flat.length)};
  const Wide height = out.second.z - out.first.z;
  out.length = sqrt(flat.length * flat.length + height * height);
  return out;
}

template Wrapping wrap(const WrapShape<double>&, const Wide3&, const Wide3&);
template Wrapping wrap(const WrapShape<Wide>&, const Wide3&, const Wide3&);

}  // namespace soleus
