-- c
select 'a''b', e'\'', "q""q", $x$ $ $x$, $1, 1.5e3 /* n /* e */ */ from t at (version => 1); copy