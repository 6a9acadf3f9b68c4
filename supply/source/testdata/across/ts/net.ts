export const ask = async (url: string) => {
  return fetch(url);
};

export const wait = async (seconds: number) => {
  return fetch('https://clinic.example/wait/' + seconds);
};
