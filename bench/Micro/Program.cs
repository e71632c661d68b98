using CozeCluster.Micro;

// Arguments are parts of names; none runs everything.
var measure = new Measure(args);
measure.Head();
await MessagePieces.RunAsync(measure);
await UpstreamPieces.RunAsync(measure);
await ReplyPieces.RunAsync(measure);
await GatewayPieces.RunAsync(measure);
await SiloPieces.RunAsync(measure);
