import { testRung } from "../support/vnfRung.ts";

testRung("tracepoint");
