;; Has 5,000 routes, all the same.
;; @describe
(func (export "boxoffice:rules/manifest@0.1.0#describe") (result i32)
  (local $at i32)
  (local.set $at (i32.const 131072))
  (loop $more
    (memory.copy (local.get $at) (i32.const 2048) (i32.const 76))
    (local.set $at (i32.add (local.get $at) (i32.const 76)))
    (br_if $more (i32.lt_u (local.get $at) (i32.const 511072))))
  (i32.store (i32.const 1048) (i32.const 131072))
  (i32.store (i32.const 1052) (i32.const 5000))
  i32.const 1024)
