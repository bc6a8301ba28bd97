;; Traps when the host wants room for the arguments.
;; @realloc
(global $next (mut i32) (i32.const 65536))
(global $evil (mut i32) (i32.const 0))
(func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $place i32)
  ;; The first that it is asked for is the id of the route: "attack" has six bytes, "fine" four.
  (if (i32.and (i32.eq (global.get $next) (i32.const 65536)) (i32.eq (local.get $size) (i32.const 6)))
    (then (global.set $evil (i32.const 1))))
  (if (global.get $evil) (then
    unreachable))
  (local.set $place (i32.and
    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $next (i32.add (local.get $place) (local.get $size)))
  local.get $place)
