import './suite.ts';
