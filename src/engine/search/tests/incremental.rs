//! What is made step by step is what a rebuild makes, whatever the order of answers.

use proptest::prelude::*;

use super::drive::{Drive, Pick, searches, shape};

proptest! {
    #![proptest_config(super::cases(2500))]

    #[test]
    fn every_step_makes_what_a_rebuild_makes(
        case in searches(),
        pick in any::<u64>(),
        most in 1..5usize,
    ) {
        Drive::checked(&case).finish(Pick(pick), most);
    }
}

proptest! {
    #![proptest_config(super::cases(1500))]

    #[test]
    fn giving_up_at_any_step_keeps_what_was_found(
        case in searches(),
        pick in any::<u64>(),
        steps in 0..12usize,
    ) {
        let mut pick = Pick(pick);
        let mut drive = Drive::checked(&case);
        for _ in 0..steps {
            if !drive.open.is_empty() {
                drive.step(&mut pick, 3);
            }
        }
        drive.cancel();
        prop_assert!(drive.search.finished());
        let late: Vec<_> = drive.open.iter().map(|wanted| wanted.query.clone()).collect();
        let before = drive.search.tree();
        drive.answer(&late);
        prop_assert!(drive.open.is_empty(), "nothing more is asked");
        prop_assert_eq!(before, drive.search.tree(), "late answers are ignored");
    }

    #[test]
    fn the_tree_does_not_depend_on_the_order_of_answers(
        case in searches(),
        (pick, other) in (any::<u64>(), any::<u64>()),
        most in 1..9usize,
    ) {
        let mut first = Drive::new(&case).finish(Pick(pick), 1).search;
        let mut second = Drive::new(&case).finish(Pick(other), most).search;
        let (one, two) = (first.tree(), second.tree());
        prop_assert!(one == two, "{:#?}\nis not\n{:#?}", shape(&one), shape(&two));
        prop_assert_eq!(first.faults().collect::<Vec<_>>(), second.faults().collect::<Vec<_>>());
    }
}
