using CozeCluster.Micro;

// Each argument is a part of the names of the benchmarks to run. Without arguments, all run.
var runner = new BenchmarkRunner(args);
runner.PrintHeader();
await MessageBenchmarks.RunAsync(runner);
await UpstreamBenchmarks.RunAsync(runner);
await ReplyBenchmarks.RunAsync(runner);
await GatewayBenchmarks.RunAsync(runner);
await SiloBenchmarks.RunAsync(runner);
