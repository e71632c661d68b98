namespace CozeCluster.Engine.Orleans;

// Observer interfaces as Orleans knows them.

internal interface IReplyOrleansObserver : IGrainObserver, IReplyObserver;

internal interface IDiscordOrleansObserver : IGrainObserver, IDiscordObserver;
