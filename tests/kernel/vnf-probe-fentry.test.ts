import { testRung } from "../support/vnfRung.ts";

testRung("fentry");
